import type { Transaction } from '../../database/index.ts'
import { insertUniqueJob, releaseKey, replaceJob, rescheduleJob, selectHolderOfKey } from '../sql.ts'
import type { Enqueued } from './insertion.ts'
import { valuesOf, type JobRow, type StoredPayload } from './job-row.ts'

/** The job that has a unique key. */
interface Holder extends StoredPayload {
  state: string
  unique_while: string
  unique_until: number | null
}

/**
 * Inserts a job that has a unique key, unless another has it. A unique index decides; what becomes of the second one is for its
 * `onConflict` to say.
 */
export function insertUnique(tx: Transaction, row: JobRow): Enqueued {
  const inserted = tx.run(insertUniqueJob, valuesOf(row))
  if (inserted.changes === 1) return { id: Number(inserted.lastInsertRowid), wasEnqueued: true }
  const holder = tx.get<Holder>(selectHolderOfKey, [row.unique_key])!
  if (isOver(holder, row.created_at)) {
    tx.run(releaseKey, [holder.id])
    return { id: Number(tx.run(insertUniqueJob, valuesOf(row)).lastInsertRowid), wasEnqueued: true }
  }
  if (row.onConflict !== 'keep' && isWaiting(holder)) {
    const { onConflict, version, tags, trace, limit_key, limit_count, rate_key } = row
    const payload = typeof onConflict === 'function' ? onConflict(holder) : row.payload
    tx.run(replaceJob, { id: holder.id, payload, version, tags, trace, limit_key, limit_count, rate_key })
    if (onConflict === 'reschedule') {
      const { state, scheduled_at, unique_until, fair_key, turn } = row
      tx.run(rescheduleJob, { id: holder.id, state, scheduled_at, unique_until, fair_key, turn })
    }
  }
  return { id: holder.id, wasEnqueued: false }
}

function isWaiting({ state }: Holder): boolean {
  return state === 'available' || state === 'scheduled' || state === 'retryable'
}

/** Whether a job has its key only because of a period, which has passed. */
function isOver(holder: Holder, now: number): boolean {
  if (isWaiting(holder) || (holder.unique_until ?? 0) > now) return false
  return holder.state !== 'running' || holder.unique_while === 'waiting'
}
