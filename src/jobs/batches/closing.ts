import type { Transaction } from '../../database/index.ts'
import { finishedTopic } from '../engine.ts'
import { insertRow } from '../enqueue/insertion.ts'
import type { JobRow } from '../enqueue/job-row.ts'
import type { CallbackKind } from './batch-options.ts'
import {
  closeBatch,
  countNested,
  insertCallback,
  selectBatch,
  selectCallbacks,
  selectClosable,
  selectNestedOutcome,
} from './sql.ts'

interface ClosableRow {
  id: number
  parent_id: number | null
  discarded: number
  cancelled: number
  closings: number
  cancel_reason: string | null
}

/** Closes the batches of which nothing is pending, and enqueues their callbacks. Returns their ids. */
export function closeBatches(tx: Transaction, now: number): number[] {
  const closable = tx.all<ClosableRow>(selectClosable)
  for (const batch of closable) {
    const { id, parent_id: parent } = batch
    const state = outcomeOf(tx, batch)
    tx.run(closeBatch, [state, now, id])
    enqueueCallback(tx, batch, state === 'completed' ? 'success' : 'failure', now)
    enqueueCallback(tx, batch, 'finish', now)
    if (parent !== null) tx.run(countNested, [-1, parent])
  }
  if (closable.length > 0) tx.touch(finishedTopic)
  return closable.map(({ id }) => id)
}

function outcomeOf(tx: Transaction, { id, discarded, cancelled, cancel_reason: cancelReason }: ClosableRow) {
  const nested = tx.get<{ failed: number; cancelled: number }>(selectNestedOutcome, [id])!
  if (cancelReason !== null) return 'cancelled'
  if (discarded + nested.failed > 0) return 'failed'
  return cancelled + nested.cancelled > 0 ? 'cancelled' : 'completed'
}

/** The callback of a nested batch is a job of the batch around it, which has to wait for it. */
function enqueueCallback(
  tx: Transaction,
  { id, parent_id: parent, closings }: ClosableRow,
  kind: CallbackKind,
  now: number,
): void {
  const callbacks = tx.get<Record<`on_${CallbackKind}`, string | null>>(selectCallbacks, [id])
  const text = callbacks?.[`on_${kind}`] ?? null
  if (text === null) return
  // Somebody may have ended it by hand.
  const batch = parent !== null && isOpen(tx, parent) ? parent : null
  const job = insertRow(tx, { ...(JSON.parse(text) as JobRow), created_at: now, batch_id: batch })
  tx.run(insertCallback, [job.id, id, closings + 1, kind])
}

function isOpen(tx: Transaction, id: number): boolean {
  const state = tx.get<{ state: string }>(selectBatch, [id])?.state
  return state === 'open' || state === 'held'
}
