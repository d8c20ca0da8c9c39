import type { Transaction } from '../../database/index.ts'
import { forgetFailures, forgetSteps } from './sql.ts'

/**
 * What somebody forgets who has jobs run again: those that had completed begin from their beginning; the others go on where they stood,
 * and a step that had failed for good has all its tries again, with the key that it had.
 *
 * Called before the jobs change their state.
 */
export function forgetForRetry(tx: Transaction, ids: readonly number[], states: readonly string[]): void {
  const list = JSON.stringify(ids)
  if (states.includes('completed')) tx.run(forgetSteps, [list])
  tx.run(forgetFailures, [list])
}
