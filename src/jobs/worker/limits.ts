import type { Transaction } from '../../database/index.ts'
import { jobsTopic } from '../engine.ts'
import { countRunning, selectBlocked, unblockJobs } from '../sql.ts'

/** Lets as many blocked jobs of a key run as there are places free now. To be called whenever a job of the key has left `running`. */
export function unblock(tx: Transaction, key: string, limit: number): void {
  if (tx.get(selectBlocked, [key]) === undefined) return
  const { running } = tx.get<{ running: number }>(countRunning, [key])!
  if (running >= limit) return
  if (tx.run(unblockJobs, { key, free: limit - running }).changes > 0) tx.touch(jobsTopic)
}
