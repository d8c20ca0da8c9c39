import { Cron } from 'croner'
import { HandcarError, invalidOption } from '../../core/index.ts'

/**
 * When the ticks of a recurring job are. Every tick is an exact point in time that follows from the text alone, so that all
 * processes and all restarts agree on it.
 *
 * A cron expression is read in its time zone. Where the clocks are set forward or back:
 * - an expression without `*` and `/` in seconds, minutes and hours ticks once a day at its times: one that does not exist that
 *   day comes at the first moment after the gap, and one that comes twice ticks the first time only;
 * - any other expression goes by what the clock on the wall shows: a time that does not exist is left out, and one that comes
 *   twice ticks twice.
 *
 * An interval has its ticks at the multiples of its length since 1970 (UTC), whatever the clocks on the walls do.
 */
export interface Schedule {
  /** The first tick after a time; `undefined` when there is none any more. */
  next(after: number): number | undefined
  /** The last ticks up to a time and including it, the earliest first: at most `count` of them, and none before `from`. */
  last(count: number, from: number, until: number): number[]
}

/** What a schedule is made of: a cron expression, or an interval in milliseconds as `every 300000`. */
export function readSchedule(text: string, timeZone: string): Schedule {
  const interval = intervalOf(text)
  return interval === undefined ? new CronSchedule(text, timeZone) : new IntervalSchedule(interval)
}

/** The interval of a schedule's text, in milliseconds; `undefined` for a cron expression. */
export function intervalOf(text: string): number | undefined {
  return text.startsWith('every ') ? Number(text.slice(6)) : undefined
}

class IntervalSchedule implements Schedule {
  readonly #interval: number

  constructor(interval: number) {
    this.#interval = interval
  }

  next(after: number): number {
    return (Math.floor(after / this.#interval) + 1) * this.#interval
  }

  last(count: number, from: number, until: number): number[] {
    const ticks: number[] = []
    let tick = Math.floor(until / this.#interval) * this.#interval
    for (; tick >= from && ticks.length < count; tick -= this.#interval) ticks.push(tick)
    return ticks.toReversed()
  }
}

class CronSchedule implements Schedule {
  readonly #cron: Cron

  constructor(expression: string, timeZone: string) {
    this.#cron = new Cron(expression, { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' })
  }

  next(after: number): number | undefined {
    return this.#cron.nextRun(new Date(after))?.getTime()
  }

  last(count: number, from: number, until: number): number[] {
    const ticks: number[] = []
    let before = (Math.floor(until / 1_000) + 1) * 1_000
    while (ticks.length < count) {
      const tick = this.#cron.previousRuns(1, new Date(before))[0]?.getTime()
      if (tick === undefined || tick < from) break
      ticks.push(tick)
      before = tick
    }
    return ticks.toReversed()
  }
}

/** Reads a cron expression. It has 5 fields, 6 with seconds, 7 with seconds and years, or is a word such as `@daily`. */
export function readCron(value: unknown, name: string): string {
  const expected = "a cron expression such as '0 9 * * 1-5'"
  if (typeof value !== 'string') throw invalidOption(name, expected, value)
  const expression = value.trim().replace(/\s+/g, ' ')
  const refused = (reason: string): HandcarError =>
    new HandcarError('HANDCAR_OPTION_INVALID', `${name}: expected ${expected}, got "${value}": ${reason}`)
  if (expression.includes('?')) throw refused('"?" stands for the time at which the program was started')
  if (!expression.startsWith('@') && !/^\S+( \S+){4,6}$/.test(expression))
    throw refused('it has to have 5, 6 or 7 fields')
  let schedule: Schedule
  try {
    schedule = new CronSchedule(expression, 'UTC')
  } catch (error) {
    throw refused((error as Error).message.replace(/^CronPattern: /, ''))
  }
  if (schedule.next(0) === undefined) throw refused('no such date ever comes')
  return expression
}

/** Reads the name of a time zone. */
export function readTimeZone(value: unknown, name: string): string {
  if (value === undefined) return 'UTC'
  const expected = "a time zone such as 'Europe/Berlin'"
  if (typeof value !== 'string' || value === '') throw invalidOption(name, expected, value)
  try {
    Intl.DateTimeFormat('en', { timeZone: value })
    return value
  } catch {
    throw invalidOption(name, expected, value)
  }
}
