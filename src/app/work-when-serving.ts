import { setTimeout as sleep } from 'node:timers/promises'
import type { SupervisedProcess } from '../supervisor/index.ts'
import type { Handcar } from './handcar.ts'

/** Pauses before work that could not begin is tried again, in milliseconds. */
const firstPause = 500
const longestPause = 30_000

/**
 * Begins to perform jobs when the release serves, so that a release that does not get so far performs none, and gives back the
 * jobs of processes that die. Work that cannot begin, with a full disk for example, is tried until it can: the requests go on
 * meanwhile.
 *
 * @returns what ends it, within so many milliseconds
 */
export function workWhenServing(
  supervised: SupervisedProcess,
  handcar: Handcar,
): (timeout: number) => Promise<void> {
  const ending = new AbortController()
  supervised.onServe(() => void beginWork(handcar, ending.signal))
  supervised.onDeath((death) => {
    handcar.jobs.rescue(death).catch((error: unknown) => {
      handcar.logger.warn({ error }, 'The jobs of a process that has died could not be given back yet')
    })
  })
  return async (timeout) => {
    ending.abort()
    await handcar.jobs.rest({ timeout })
  }
}

async function beginWork(handcar: Handcar, ending: AbortSignal): Promise<void> {
  for (let pause = firstPause; !ending.aborted; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await handcar.work()
    } catch (error) {
      handcar.logger.error({ error, pause }, 'Jobs cannot be performed yet; it is tried again')
      await sleep(pause, undefined, { signal: ending, ref: false }).catch(() => {})
    }
  }
}
