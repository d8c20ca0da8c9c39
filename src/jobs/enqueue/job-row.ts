import type { SqlParameter } from '../../database/index.ts'

/** How many rows one statement inserts. */
export const rowsAtOnce = 32
/** How many payloads one statement inserts. */
export const payloadsAtOnce = 256

/** The columns that a producer sets, in the order of their parameters. */
export const insertedColumns = [
  'name',
  'queue',
  'priority',
  'turn',
  'state',
  'version',
  'max_attempts',
  'created_at',
  'scheduled_at',
  'limit_count',
  'batch_id',
  'parent_id',
  'unique_while',
  'unique_until',
  'unique_key',
  'limit_key',
  'rate_key',
  'fair_key',
  'tags',
  'trace',
  'payload',
] as const

/** The payload of a job that waits, as it was enqueued. */
export interface StoredPayload {
  readonly id: number
  readonly payload: string
  readonly version: number
}

/** A job that is ready to be inserted. */
export interface JobRow {
  name: string
  queue: string
  priority: number
  turn: number
  state: 'available' | 'scheduled'
  version: number
  max_attempts: number
  created_at: number
  scheduled_at: number | null
  limit_count: number | null
  batch_id: number | null
  parent_id: number | null
  unique_while: string | null
  unique_until: number | null
  unique_key: string | null
  limit_key: string | null
  rate_key: string | null
  fair_key: string | null
  tags: string | null
  trace: string | null
  payload: string
  /** Not a column: what to do when the key is taken; a function makes one payload of that of the first job and this one. */
  onConflict: 'keep' | 'replace' | 'reschedule' | ((waiting: StoredPayload) => string) | undefined
}

/** The values of a row, in the order of {@link insertedColumns}. */
export function valuesOf(row: JobRow): SqlParameter[] {
  const values: SqlParameter[] = []
  pushValues(values, row)
  return values
}

/** Adds the values of a row to those of others. */
export function pushValues(values: SqlParameter[], row: JobRow): void {
  values.push(
    row.name,
    row.queue,
    row.priority,
    row.turn,
    row.state,
    row.version,
    row.max_attempts,
    row.created_at,
    row.scheduled_at,
    row.limit_count,
    row.batch_id,
    row.parent_id,
    row.unique_while,
    row.unique_until,
    row.unique_key,
    row.limit_key,
    row.rate_key,
    row.fair_key,
    row.tags,
    row.trace,
    row.payload,
  )
}
