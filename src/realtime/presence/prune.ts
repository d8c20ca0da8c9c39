import type { Transaction } from '../../database/index.ts'
import { deleteRevision, raiseFloor, selectPrunable } from './sql.ts'

/** How long a row stays that has ended, in milliseconds, for those who read what has changed. */
const keptFor = 60_000

/**
 * Takes out rows that ended a minute ago, in the write that makes such rows, and twice as many as it can make: their number
 * stays bounded without a loop of its own.
 *
 * @param made How many rows the write has changed.
 */
export function prune(tx: Transaction, now: number, made: number): void {
  const rows = tx.all<{ revision: number }>(selectPrunable, [now - keptFor, 2 * made + 16])
  if (rows.length === 0) return
  for (const { revision } of rows) tx.run(deleteRevision, [revision])
  tx.run(raiseFloor, [Math.max(...rows.map(({ revision }) => revision))])
}
