import type { Transaction } from '../../database/index.ts'
import { cancelTopic, finishedTopic, type Engine } from '../engine.ts'
import { cancelMembers, cancelRunningMembers, endCancelling, selectCancelling } from './sql.ts'

/** How many jobs one write cancels. */
const atOnce = 1_000

/**
 * Cancels what waits in the batches that are being cancelled, some at a time, so that no write is long. The batches say that they are
 * until it is done: when a process dies on the way, another one that works on jobs goes on.
 */
export async function goOnCancelling(engine: Engine): Promise<void> {
  const { database } = engine
  const places = new Map<number, number>()
  const { transaction } = database
  if (transaction !== undefined) {
    while (cancelSome(engine, transaction, places)) {
      // All of it belongs to that transaction.
    }
    return
  }
  while (await database.write((tx) => cancelSome(engine, tx, places), { label: 'handcar.jobs.cancel' })) {
    // The next write is one of its own.
  }
}

/** Returns whether there may be more. */
function cancelSome(engine: Engine, tx: Transaction, places: Map<number, number>): boolean {
  const batch = tx.get<{ id: number; cancel_reason: string }>(selectCancelling)
  if (batch === undefined) return false
  const { id, cancel_reason: reason } = batch
  const after = places.get(id) ?? 0
  const now = engine.clock.now()
  const rows = tx.all<{ id: number; name: string }>(cancelMembers, {
    batch: id,
    after,
    limit: atOnce,
    reason,
    now,
  })
  const isLast = rows.length < atOnce
  const until = isLast ? Number.MAX_SAFE_INTEGER : Math.max(...rows.map((row) => row.id))
  // In the same write as those beside it: one that fails before the next write would wait again, and nobody would look at it again.
  if (tx.run(cancelRunningMembers, { batch: id, after, until, reason }).changes > 0) tx.touch(cancelTopic)
  if (isLast) tx.run(endCancelling, [id])
  places.set(id, until)
  const ended = rows.map((row) => ({ id: row.id, name: row.name, state: 'cancelled' as const, batchId: id }))
  // Also when nothing has: then the batch may end.
  for (const listener of engine.endListeners) listener(tx, ended)
  tx.touch(finishedTopic)
  return true
}
