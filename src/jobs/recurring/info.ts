import type { Missed, Overlap } from './recurring-settings.ts'
import { intervalOf } from './schedule.ts'
import { editedOf, missedOf, type RecurringRow, type SettingsRow } from './settings.ts'

/** A recurring job as it is now. */
export interface RecurringInfo {
  name: string
  /** Name of the job that each tick enqueues. */
  job: string
  /** The cron expression; `undefined` where it goes by an interval. */
  cron: string | undefined
  /** The interval in milliseconds; `undefined` where it goes by a cron expression. */
  every: number | undefined
  timeZone: string
  /** What each job gets; `undefined` where the code makes it for each tick. */
  payload: unknown
  /** In milliseconds. */
  jitter: number
  overlap: Overlap
  missed: Missed
  /** `undefined`: that of the job. */
  queue: string | undefined
  /** `undefined`: that of the job. */
  priority: number | undefined
  /** Whether code defines it; otherwise it was added at run time. */
  isFromCode: boolean
  /** The settings that differ from the code, because somebody has edited them. */
  edited: string[]
  /** Since when it is paused; `undefined` when it is not. */
  pausedAt: Date | undefined
  /** Its next tick; `undefined` when there is none any more, and while it is paused. */
  nextAt: Date | undefined
  /** Its last tick; `undefined` before the first. */
  lastAt: Date | undefined
  /** The id of the last job that it made. */
  lastJob: number | undefined
}

/** One tick of a recurring job. */
export interface TickInfo {
  /** The time that it stands for. */
  at: Date
  /** The id of the job that it made. */
  job: number | undefined
  /** Why it made none: `'overlap'`, or an error. */
  skipped: string | undefined
}

/** Describes a row for users. */
export function readInfo(row: RecurringRow): RecurringInfo {
  const every = intervalOf(row.schedule)
  return {
    name: row.name,
    job: row.job,
    cron: every === undefined ? row.schedule : undefined,
    every,
    timeZone: row.time_zone,
    payload: row.payload === null ? undefined : (JSON.parse(row.payload) as unknown),
    jitter: row.jitter,
    overlap: row.overlap,
    missed: missedOf(row.missed),
    queue: row.queue ?? undefined,
    priority: row.priority ?? undefined,
    isFromCode: row.code !== null,
    edited: editedOf(row).map((key) => namesOfSettings[key]),
    pausedAt: dateOf(row.paused_at),
    nextAt: row.paused_at === null ? dateOf(row.next_at) : undefined,
    lastAt: dateOf(row.last_at),
    lastJob: row.last_job_id ?? undefined,
  }
}

const namesOfSettings: Record<keyof SettingsRow, string> = {
  job: 'job',
  schedule: 'schedule',
  time_zone: 'timeZone',
  payload: 'payload',
  jitter: 'jitter',
  overlap: 'overlap',
  missed: 'missed',
  queue: 'queue',
  priority: 'priority',
}

function dateOf(time: number | null): Date | undefined {
  return time === null ? undefined : new Date(time)
}
