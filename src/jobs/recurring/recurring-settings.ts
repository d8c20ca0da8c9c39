import { invalidOption, option, readOptions, type Duration } from '../../core/index.ts'
import { readCron, readTimeZone } from './schedule.ts'

/** The tick that a payload is made for. */
export interface TickOfPayload {
  /** Name of the recurring job. */
  readonly name: string
  /** The time that the tick stands for; the job may run later. */
  readonly at: Date
}

/** What happens at a tick while the job of an earlier one has not ended. */
export type Overlap = 'allow' | 'skip'

/** What happens to ticks at which no process was there: none runs, the last one, or the last `all` of them. */
export type Missed = 'skip' | 'one' | { readonly all: number }

/** When and how a job recurs: what can be edited while it lives. */
export interface RecurringSettings<Payload = unknown> {
  /**
   * A cron expression: `'0 9 * * 1-5'`, with six fields also seconds, with seven also years; `'@daily'`. Either this or `every`.
   */
  cron?: string
  /** A tick every so often, at the multiples of it since 1970 (UTC): `'5m'`. At least one second. Either this or `cron`. */
  every?: Duration
  /** In which the cron expression is read: `'Europe/Berlin'`. Default: `'UTC'`. */
  timeZone?: string
  /** What each job gets; a function makes it for each tick. */
  payload?: Payload | ((tick: TickOfPayload) => Payload)
  /** Each job begins up to so long after its tick, by chance. Default: 0. */
  jitter?: Duration
  /**
   * Whether a tick makes a job while the job of the tick before has not ended. `'skip'`: it makes none. Default: `'skip'`;
   * `'allow'` where `missed` is `{ all }`.
   */
  overlap?: Overlap
  /**
   * What happens to ticks at which no process was there, once one is: none of them runs (`'skip'`), the last one (`'one'`), or
   * the last so many (`{ all: 100 }`, up to 1,000). A tick that comes up to a minute late was not missed. Default: `'one'`.
   */
  missed?: Missed
  /** Default: the job's. */
  queue?: string
  /** Default: the job's. */
  priority?: number
}

/** Settings that are checked and complete. */
export interface ResolvedSettings {
  /** A cron expression, or `every` and milliseconds. */
  readonly schedule: string
  readonly timeZone: string
  readonly payload: unknown
  readonly jitter: number
  readonly overlap: Overlap
  readonly missed: Missed
  readonly queue: string | undefined
  readonly priority: number | undefined
}

/** Checks settings and fills in the defaults. */
export function readSettings(owner: string, settings: object): ResolvedSettings {
  const { cron, every, ...given } = readOptions(owner, settings, {
    cron: option.optional(readCron),
    every: option.optional(readInterval),
    timeZone: readTimeZone,
    payload: (value) => value,
    jitter: option.duration(0),
    overlap: option.optional(option.oneOf<Overlap>(['allow', 'skip'], 'skip')),
    missed: readMissed,
    queue: option.optional(option.text()),
    priority: option.optional(option.integer(0, { min: -1_000_000, max: 1_000_000 })),
  })
  if ((cron === undefined) === (every === undefined))
    throw invalidOption(owner, 'either the option "cron" or the option "every"', cron && 'both')
  const isAll = typeof given.missed === 'object'
  if (isAll && given.overlap === 'skip')
    throw invalidOption(
      `${owner} option "overlap"`,
      '"allow" where missed is { all }: of ticks that come together all but the first would be skipped',
      'skip',
    )
  return {
    ...given,
    jitter: Math.ceil(given.jitter),
    overlap: given.overlap ?? (isAll ? 'allow' : 'skip'),
    schedule: cron ?? `every ${every}`,
  }
}

function readInterval(value: unknown, name: string): number {
  const interval = option.duration(0)(value, name)
  if (Number.isInteger(interval) && interval >= 1_000 && interval <= longestInterval) return interval
  throw invalidOption(name, 'a duration from one second to ten years, in whole milliseconds', value)
}

const longestInterval = 10 * 366 * 86_400_000

function readMissed(value: unknown, name: string): Missed {
  if (value === undefined) return 'one'
  if (value === 'skip' || value === 'one') return value
  if (typeof value === 'object' && value !== null) {
    const { all } = readOptions(name, value, { all: option.integer(0, { min: 1, max: 1_000 }) })
    if (all > 0) return { all }
  }
  throw invalidOption(name, '"skip", "one" or { all: a whole number from 1 to 1000 }', value)
}
