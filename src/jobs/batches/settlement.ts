import type { Transaction } from '../../database/index.ts'
import { finishedTopic, type EndedJob, type EndListener, type Engine } from '../engine.ts'
import { closeBatches } from './closing.ts'
import { Dependents } from './dependents.ts'
import { reopenBatches } from './reopen.ts'
import { selectUnsettled } from './sql.ts'

/** What may be waited for, and may have ended. */
export interface Ended {
  readonly jobs?: readonly number[]
  /** Batches, and jobs that there may not be. */
  readonly others?: readonly { readonly kind: 'job' | 'batch'; readonly id: number }[]
}

/**
 * Draws all consequences of what has ended, in its transaction: jobs that waited for it are released or cancelled, batches of
 * which nothing is pending are closed and their callbacks enqueued, and so on up the tree. Returns the jobs that were
 * cancelled on the way.
 *
 * It looks at what the rows say and not at what it is told, so that it also finds what a statement of somebody else has
 * left: a batch whose last job was deleted, one with a job that was made to run again.
 */
export function settle(
  { clock }: Engine,
  tx: Transaction,
  { jobs = [], others = [] }: Ended = {},
): EndedJob[] {
  const now = clock.now()
  const dependents = new Dependents(tx, now)
  dependents.followJobs(jobs)
  for (const { kind, id } of others) dependents.follow(kind, id)
  if (tx.get(selectUnsettled) === undefined) return dependents.cancelled
  dependents.followReleases()
  for (;;) {
    const closed = closeBatches(tx, now)
    for (const id of closed) dependents.follow('batch', id)
    // One that has closed or opened may be all that the batch around it waits for.
    if (closed.length === 0 && !reopenBatches(tx)) return dependents.cancelled
  }
}

/** Settles what has ended, and tells the other listeners of the jobs that were cancelled because of it. */
export function settleAndTell(
  engine: Engine,
  tx: Transaction,
  ended: readonly EndedJob[],
  self?: EndListener,
): void {
  const cancelled = settle(engine, tx, { jobs: ended.map(({ id }) => id) })
  if (cancelled.length === 0) return
  for (const listener of engine.endListeners) if (listener !== self) listener(tx, cancelled)
  tx.touch(finishedTopic)
}
