import type { Transaction } from '../../database/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import { jobsTopic } from '../engine.ts'
import { countRunning, selectBlocked, unblockJobs } from '../sql.ts'

/** The limit of a job's key as this code has it; as the job was enqueued where this code has none. */
export function limitOf(definition: AnyJobDefinition | undefined, enqueuedWith: number | null): number {
  return definition?.limit?.count ?? enqueuedWith ?? 1
}

/** Lets as many blocked jobs of a key run as there are places free now. To be called whenever a job of the key has left `running`. */
export function unblock(tx: Transaction, key: string, limit: number): void {
  if (tx.get(selectBlocked, [key]) === undefined) return
  const { running } = tx.get<{ running: number }>(countRunning, [key])!
  if (running >= limit) return
  if (tx.run(unblockJobs, { key, free: limit - running }).changes > 0) tx.touch(jobsTopic)
}
