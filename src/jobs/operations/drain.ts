import { option, readOptions, TimeoutError, type Duration } from '../../core/index.ts'
import { finishedTopic, jobsTopic, type Engine } from '../engine.ts'
import { selectPauses, selectQueues } from '../sql.ts'
import { untilAnswered } from '../until-answered.ts'
import type { Pause } from './pauses.ts'
import { selectDueOf, selectLimited, selectRunnable, selectRunningOf } from './sql.ts'

/** Options of `jobs.drain`. */
export interface DrainOptions {
  /** How long to wait at most. Default: without limit. */
  timeout?: Duration
  /** Ends the waiting. */
  signal?: AbortSignal
}

/**
 * Waits until a queue (default: every queue) has nothing that runs or could run now. Jobs that are paused, parked, or wait for a time
 * that has not come do not count.
 *
 * @throws TimeoutError `HANDCAR_JOB_TIMEOUT`; the signal's reason
 */
export async function drain(
  engine: Engine,
  queue: string | undefined,
  options: DrainOptions | undefined,
): Promise<void> {
  option.optional(option.text())(queue, 'drain queue')
  const { timeout, signal } = readOptions('drain', options, {
    timeout: option.optional(option.duration(0)),
    signal: option.signal,
  })
  const what = queue === undefined ? 'The queues were' : `The queue "${queue}" was`
  const late = (): Error => new TimeoutError('HANDCAR_JOB_TIMEOUT', `${what} not drained after ${timeout} ms`)
  const ask = (): true | undefined => isDrained(engine, queue ?? null) || undefined
  await untilAnswered(engine.database, [jobsTopic, finishedTopic], ask, { timeout, signal, late })
}

function isDrained({ database, clock }: Engine, queue: string | null): boolean {
  return database.read((tx) => {
    const paused = new Set(
      tx.all<Pause>(selectPauses).flatMap(({ kind, name }) => (kind === 'queue' ? name : [])),
    )
    const queues = queue === null ? tx.all<{ name: string }>(selectQueues).map(({ name }) => name) : [queue]
    return (
      queues.every((name) => paused.has(name) || tx.get(selectRunnable, [name]) === undefined) &&
      tx.get(selectRunningOf, { queue }) === undefined &&
      tx.get(selectLimited, { queue }) === undefined &&
      tx.get(selectDueOf, { queue, now: clock.now() }) === undefined
    )
  })
}
