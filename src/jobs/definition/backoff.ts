import { option, readOptions, type Duration, type OptionReader } from '../../core/index.ts'

/** How long a job waits before it is tried again. A function that throws, or gives no number, counts as none. */
export type Backoff =
  | ((attempt: number) => number)
  | {
      /** After the first failure. Default: `'1s'`. */
      first?: Duration
      /** How much longer each further one is. Default: 2. */
      factor?: number
      /** Default: `'1h'`. */
      longest?: Duration
      /** How far a wait is moved at random, as a part of it, so that jobs that failed together do not come back together. Default: 0.2. */
      jitter?: number
    }

/** Reads the option `backoff`: milliseconds to wait after attempt 1, 2, … */
export const readBackoff: OptionReader<(attempt: number) => number> = (value, name) => {
  if (typeof value === 'function') return value as (attempt: number) => number
  const { first, factor, longest, jitter } = readOptions(name, value, {
    first: option.duration(1_000),
    factor: readNumber(2, 1, 1_000),
    longest: option.duration(3_600_000),
    jitter: readNumber(0.2, 0, 1),
  })
  return (attempt) => {
    const wait = Math.min(first * factor ** (attempt - 1), longest)
    return Math.round(wait * (1 + jitter * (2 * Math.random() - 1)))
  }
}

/** The back-off of a job that says nothing about it. */
export const usualBackoff = readBackoff({}, 'backoff')

function readNumber(standard: number, min: number, max: number): OptionReader<number> {
  return (value, name) => {
    if (value === undefined) return standard
    if (typeof value !== 'number' || !(value >= min && value <= max))
      throw option.invalidOption(name, `a number from ${min} to ${max}`, value)
    return value
  }
}
