import { TimeoutError, type Clock } from '../../core/index.ts'
import type { Hit } from '../reads.ts'
import type { Fetching } from './fetch-options.ts'

/**
 * The outcome of a flight for one caller, or the stale value when the caller has waited for it for long enough.
 *
 * @param standIn The stale value, if there is one that still counts.
 * @throws TimeoutError `HANDCAR_CACHE_TIMEOUT`; what the flight fails with
 */
export async function withPatience<Outcome>(
  clock: Clock,
  outcome: Promise<Outcome>,
  key: string,
  { softTimeout, hardTimeout }: Fetching,
  standIn: () => Hit | undefined,
): Promise<Outcome | { readonly stale: Hit }> {
  if (softTimeout === undefined && hardTimeout === undefined) return outcome
  const ends: (() => void)[] = []
  try {
    return await new Promise<Outcome | { readonly stale: Hit }>((resolve, reject) => {
      outcome.then(resolve, reject)
      const now = clock.now()
      const takeStale = (): void => {
        const stale = standIn()
        if (stale !== undefined) resolve({ stale })
      }
      if (softTimeout !== undefined) ends.push(clock.setTimer(takeStale, now + softTimeout))
      if (hardTimeout !== undefined)
        ends.push(clock.setTimer(() => reject(timedOut(key, hardTimeout)), now + hardTimeout))
    })
  } finally {
    for (const end of ends) end()
  }
}

/** The error of a caller that has waited for too long. */
export function timedOut(key: string, after: number): TimeoutError {
  return new TimeoutError('HANDCAR_CACHE_TIMEOUT', `The value of "${key}" was not there after ${after} ms`)
}
