import type { JobState } from '../enqueue/job-handle.ts'
import { holdOf, type JobHold } from './filter.ts'

/** A job as a list shows it. */
export interface JobInfo {
  id: number
  name: string
  queue: string
  priority: number
  state: JobState
  /** What keeps an available job from running: its limit is reached, no code can perform it, or its name is paused. */
  hold: JobHold | undefined
  /** Attempts that count. */
  attempt: number
  maxAttempts: number
  createdAt: Date
  /** When it runs, or has run, at the earliest; `undefined` when it had not to wait. */
  scheduledAt: Date | undefined
  /** When its last attempt began. */
  attemptedAt: Date | undefined
  finishedAt: Date | undefined
  batch: number | undefined
  /** The job that has enqueued it. */
  parent: number | undefined
  tags: string[]
  /** Why it is in its state: the last error, why it was cancelled, why it is parked. */
  reason: string | undefined
}

/** A row of `handcar_jobs` with the columns of a list. */
export interface ListedRow {
  id: number
  name: string
  queue: string
  priority: number
  state: JobState
  blocked: number
  attempt: number
  max_attempts: number
  created_at: number
  scheduled_at: number | null
  attempted_at: number | null
  finished_at: number | null
  batch_id: number | null
  parent_id: number | null
  tags: string | null
  reason: string | null
}

/** Makes of a row what people see. */
export function toJobInfo(row: ListedRow): JobInfo {
  return {
    id: row.id,
    name: row.name,
    queue: row.queue,
    priority: row.priority,
    state: row.state,
    hold: row.state === 'available' ? holdOf(row.blocked) : undefined,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    createdAt: new Date(row.created_at),
    scheduledAt: toDate(row.scheduled_at),
    attemptedAt: toDate(row.attempted_at),
    finishedAt: toDate(row.finished_at),
    batch: row.batch_id ?? undefined,
    parent: row.parent_id ?? undefined,
    tags: (parseJson(row.tags) as string[] | undefined) ?? [],
    reason: row.reason ?? undefined,
  }
}

/** A time of a column. */
export function toDate(time: number | null): Date | undefined {
  return time === null ? undefined : new Date(time)
}

/** JSON of a column; a text that is none stays what it is, so that it can be seen. */
export function parseJson(text: string | null): unknown {
  if (text === null) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
