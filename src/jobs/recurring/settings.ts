import { encode } from '../definition/payload.ts'
import type { Missed, Overlap, RecurringSettings, ResolvedSettings } from './recurring-settings.ts'
import { intervalOf } from './schedule.ts'

/** The settings of a recurring job as its row has them. */
export interface SettingsRow {
  job: string
  schedule: string
  time_zone: string
  /** JSON; `null`: the code makes a payload for each tick. */
  payload: string | null
  jitter: number
  overlap: Overlap
  missed: string
  queue: string | null
  priority: number | null
}

/** A recurring job as its row has it. */
export interface RecurringRow extends SettingsRow {
  name: string
  /** A {@link SettingsRow} as JSON: what the code had last; `null` when it was made at run time. */
  code: string | null
  paused_at: number | null
  /** Every tick up to this time has been dealt with. */
  ticked_until: number
  /** The first tick after that. */
  next_at: number | null
  last_at: number | null
  last_job_id: number | null
}

/** The settings of a row alone, always in the same order. */
function settingsOf(row: SettingsRow): SettingsRow {
  const { job, schedule, time_zone, payload, jitter, overlap, missed, queue, priority } = row
  return { job, schedule, time_zone, payload, jitter, overlap, missed, queue, priority }
}

/**
 * Writes settings for a row.
 *
 * @throws OptionsError `HANDCAR_JOB_PAYLOAD`
 */
export function toRow(job: string, settings: ResolvedSettings, maxPayload: number): SettingsRow {
  const { schedule, timeZone, payload, jitter, overlap, missed, queue, priority } = settings
  return {
    job,
    schedule,
    time_zone: timeZone,
    payload: typeof payload === 'function' ? null : encode(payload, `payload of job "${job}"`, maxPayload),
    jitter,
    overlap,
    missed: typeof missed === 'string' ? missed : `all ${missed.all}`,
    queue: queue ?? null,
    priority: priority ?? null,
  }
}

/** Reads settings from a row, as a user would write them. A payload that the code makes is left out. */
export function fromRow(row: SettingsRow): RecurringSettings {
  const every = intervalOf(row.schedule)
  return {
    ...(every === undefined ? { cron: row.schedule } : { every }),
    timeZone: row.time_zone,
    ...(row.payload !== null && { payload: JSON.parse(row.payload) as unknown }),
    jitter: row.jitter,
    overlap: row.overlap,
    missed: missedOf(row.missed),
    ...(row.queue !== null && { queue: row.queue }),
    ...(row.priority !== null && { priority: row.priority }),
  }
}

/** Reads the column `missed`. */
export function missedOf(text: string): Missed {
  return text === 'skip' || text === 'one' ? text : { all: Number(text.slice('all '.length)) }
}

/** Which settings differ from those of the code, because somebody has edited them. */
export function editedOf(row: RecurringRow): (keyof SettingsRow)[] {
  if (row.code === null) return []
  return differencesOf(settingsOf(row), JSON.parse(row.code) as SettingsRow)
}

/**
 * Settings of a row together with those that the code has now: what has changed in the code since it was last seen is taken
 * from the code; everything else stays, edits included.
 */
export function mergeCode(row: RecurringRow, code: SettingsRow): SettingsRow {
  const merged = settingsOf(row)
  const before = row.code === null ? undefined : (JSON.parse(row.code) as SettingsRow)
  const changed =
    before === undefined ? (Object.keys(code) as (keyof SettingsRow)[]) : differencesOf(code, before)
  for (const key of changed) Object.assign(merged, { [key]: code[key] })
  return merged
}

/** Whether two rows have their ticks at the same times. */
export function hasSameTicks(one: SettingsRow, other: SettingsRow): boolean {
  return one.schedule === other.schedule && one.time_zone === other.time_zone
}

function differencesOf(one: SettingsRow, other: SettingsRow): (keyof SettingsRow)[] {
  return (Object.keys(one) as (keyof SettingsRow)[]).filter((key) => one[key] !== other[key])
}
