import type { Transaction } from '../../database/index.ts'
import { jobsTopic } from '../engine.ts'
import {
  countNested,
  deleteWaitingCallbacks,
  reopenBatch,
  selectAnyDependency,
  selectDependents,
  selectFailedNeed,
  selectNeeds,
  selectReopenable,
  selectWaitingOfJob,
  setDependency,
  waitAgain,
} from './sql.ts'

interface OwnNeed {
  needs: 'job' | 'batch'
  needs_id: number
  edge: string
  state: string
  finished_at: number | null
}

interface DependentRow {
  job_id: number
  edge: string
  state: string
  scheduled_at: number | null
  cancel_reason: string | null
}

/**
 * Has jobs which are to run again, though they had ended, join again: their batches are opened again, and what was cancelled
 * because of them waits for them again. To be called in the transaction that has made them `available` (or `scheduled`) and
 * has set their `finished_at` to null.
 *
 * A job among them that needs others which have not ended waits for those first. Callbacks of the batch that have not begun are
 * taken back; they are enqueued anew when it closes.
 */
export function reopen(tx: Transaction, jobIds: readonly number[]): void {
  if (tx.get(selectAnyDependency) !== undefined) {
    for (const id of jobIds) waitForOwn(tx, id)
    for (const id of jobIds) reviveDependents(tx, 'job', id)
  }
  while (reopenBatches(tx)) {
    // The batch around one that was opened is opened too.
  }
}

/** Opens batches that were closed and have something pending again. Returns whether there was anything. */
export function reopenBatches(tx: Transaction): boolean {
  const reopenable = tx.all<{ id: number; parent_id: number | null }>(selectReopenable)
  for (const { id, parent_id: parent } of reopenable) {
    tx.run(reopenBatch, [id])
    if (parent !== null) tx.run(countNested, [1, parent])
    tx.run(deleteWaitingCallbacks, [id])
    reviveDependents(tx, 'batch', id)
  }
  return reopenable.length > 0
}

/** A job that somebody makes run again waits for what it needs if that runs again too; what has failed it does without. */
function waitForOwn(tx: Transaction, id: number): void {
  let isWaiting = false
  for (const need of tx.all<OwnNeed>(selectNeeds, [id])) {
    const isUnfinished = need.finished_at === null && need.state !== 'deleted'
    const edge = isUnfinished ? 'waiting' : 'met'
    if (edge !== need.edge) tx.run(setDependency, [edge, id, need.needs, need.needs_id])
    if (isUnfinished) isWaiting = true
  }
  if (isWaiting) tx.run(waitAgain, [id])
}

/** Jobs that were cancelled because something had failed wait for it again, and those that were cancelled because of them. */
function reviveDependents(tx: Transaction, needs: 'job' | 'batch', id: number): void {
  const again: { needs: 'job' | 'batch'; id: number }[] = [{ needs, id }]
  for (let next = again.pop(); next !== undefined; next = again.pop()) {
    for (const dependent of tx.all<DependentRow>(selectDependents, [next.needs, next.id])) {
      const { job_id: job, edge, state, cancel_reason: reason } = dependent
      const wasCancelled = state === 'cancelled' && reason === null && edge === 'failed'
      if (!wasCancelled && !isWaiting(tx, dependent)) continue
      tx.run(setDependency, ['waiting', job, next.needs, next.id])
      if (!wasCancelled || tx.get(selectFailedNeed, [job]) !== undefined) continue
      tx.run(waitAgain, [job])
      tx.touch(jobsTopic)
      again.push({ needs: 'job', id: job })
    }
  }
}

function isWaiting(tx: Transaction, { job_id: job, state, scheduled_at: at }: DependentRow): boolean {
  return state === 'scheduled' && at === null && tx.get(selectWaitingOfJob, [job]) !== undefined
}
