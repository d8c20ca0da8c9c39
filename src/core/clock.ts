import { longestTimer } from './duration.ts'
import { invalidOption } from './options.ts'

/** Where a part gets the time from; tests put another one in its place. */
export interface Clock {
  /** Milliseconds since 1970, a whole number. */
  now(): number
  /**
   * Calls back once, when the clock shows `at` or later. The timer does not keep the process alive.
   *
   * @returns what ends it
   */
  setTimer(callback: () => void, at: number): () => void
}

/** A timer waits no longer than this before it looks at the clock again, so that a clock that was set is noticed. */
const longestWait = Math.min(30_000, longestTimer)

/** The machine's clock. A timer counts by it, also when it is set while the timer waits. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, at) {
    let timer: NodeJS.Timeout
    const wait = (): void => {
      const left = at - Date.now()
      if (left <= 0) {
        timer = setTimeout(callback, 0)
      } else {
        timer = setTimeout(() => (Date.now() >= at ? callback() : wait()), Math.min(left, longestWait))
      }
      timer.unref()
    }
    wait()
    return () => clearTimeout(timer)
  },
}

/** Milliseconds that only go on, whoever sets the machine's clock; of a clock of a test those that it shows. For how long something took. */
export function elapsed(clock: Clock): number {
  return clock === systemClock ? performance.now() : clock.now()
}

/**
 * Calls back once after some time, whoever sets the machine's clock meanwhile. The timer does not keep the process alive.
 *
 * @param milliseconds At most 24 days.
 * @returns what ends it
 */
export function setDelay(clock: Clock, callback: () => void, milliseconds: number): () => void {
  if (clock !== systemClock) return clock.setTimer(callback, clock.now() + milliseconds)
  const timer = setTimeout(callback, milliseconds).unref()
  return () => clearTimeout(timer)
}

/** Reads a clock from options. Default: the machine's. */
export function clock(value: unknown, name: string): Clock {
  if (value === undefined) return systemClock
  if (isClock(value)) return value
  throw invalidOption(name, 'a clock with now() and setTimer()', value)
}

function isClock(value: unknown): value is Clock {
  const { now, setTimer } = (value ?? {}) as Partial<Clock>
  return typeof now === 'function' && typeof setTimer === 'function'
}
