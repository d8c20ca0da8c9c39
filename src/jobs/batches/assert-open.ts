import { StateError } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { selectBatch } from './sql.ts'

/**
 * Makes sure that jobs may join a batch.
 *
 * @throws StateError `HANDCAR_BATCH_CLOSED`, `HANDCAR_BATCH_UNKNOWN`
 */
export function assertOpen(tx: Transaction, id: number): void {
  const row = tx.get<{ state: string; cancel_reason: string | null }>(selectBatch, [id])
  if (row === undefined) throw new StateError('HANDCAR_BATCH_UNKNOWN', `There is no batch ${id}`)
  const isOpen = row.state === 'open' || row.state === 'held'
  if (isOpen && row.cancel_reason === null) return
  const how = isOpen ? `is being cancelled: ${row.cancel_reason}` : `has ended: it was ${row.state}`
  throw new StateError('HANDCAR_BATCH_CLOSED', `Batch ${id} takes no more jobs; it ${how}`, {
    details: { batch: id, state: row.state },
  })
}
