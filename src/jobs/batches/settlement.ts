import type { Transaction } from '../../database/index.ts'
import { finishedTopic, jobsTopic, type EndedJob, type EndListener, type Engine } from '../engine.ts'
import { FairTurns } from '../enqueue/fair-turns.ts'
import { insertRow } from '../enqueue/insertion.ts'
import type { JobRow } from '../enqueue/job-row.ts'
import { setTurn } from '../sql.ts'
import type { CallbackKind } from './batch-options.ts'
import { reopenBatches } from './reopen.ts'
import {
  cancelDependent,
  closeBatch,
  countNested,
  insertCallback,
  releaseJob,
  selectBatch,
  selectCallbacks,
  selectClosable,
  selectDependentsOfBatch,
  selectDependentsOfDeleted,
  selectDependentsOfJobs,
  selectNestedOutcome,
  selectStart,
  selectUnsettled,
  selectWaiting,
  selectWaitingOfJob,
  setDependency,
} from './sql.ts'

/** What has ended and may be waited for. */
export interface Ended {
  readonly jobs?: readonly number[]
  readonly batches?: readonly number[]
}

interface Dependent {
  job_id: number
  needs: 'job' | 'batch'
  needs_id: number
  if_failed: 'cancel' | 'run'
  needed_name: string | null
  name: string | null
  state: string
  reason: string | null
}

interface ClosableRow {
  id: number
  parent_id: number | null
  discarded: number
  cancelled: number
  closings: number
  cancel_reason: string | null
}

/**
 * Draws all consequences of what has ended, in its transaction: jobs that waited for it are released or cancelled, batches of
 * which nothing is pending are closed and their callbacks enqueued, and so on up the tree. Returns the jobs that were
 * cancelled on the way.
 *
 * It looks at what the rows say and not at what it is told, so that it also finds what a statement of somebody else has
 * left: a batch whose last job was deleted, one with a job that was made to run again.
 */
export function settle(engine: Engine, tx: Transaction, { jobs = [], batches = [] }: Ended = {}): EndedJob[] {
  const settlement = new Settlement(engine, tx)
  settlement.followJobs(jobs)
  for (const id of batches) settlement.followBatch(id)
  if (tx.get(selectUnsettled) === undefined) return settlement.cancelled
  settlement.followDeleted()
  while (settlement.closeBatches() || reopenBatches(tx)) {
    // A batch that has closed or opened may be all that its parent waits for.
  }
  return settlement.cancelled
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

class Settlement {
  readonly cancelled: EndedJob[] = []
  readonly #tx: Transaction
  readonly #now: number

  constructor({ clock }: Engine, tx: Transaction) {
    this.#tx = tx
    this.#now = clock.now()
  }

  /** Goes on with what has waited for jobs that have ended, and for those that end because of it. */
  followJobs(ids: readonly number[]): void {
    if (this.#tx.get(selectWaiting) === undefined) return
    let ended = ids
    while (ended.length > 0) {
      const dependents = this.#tx.all<Dependent>(selectDependentsOfJobs, [JSON.stringify(ended)])
      ended = this.#meet(dependents)
    }
  }

  followBatch(id: number): void {
    if (this.#tx.get(selectWaiting) === undefined) return
    this.followJobs(this.#meet(this.#tx.all<Dependent>(selectDependentsOfBatch, [id])))
  }

  /** What the deleted jobs were needed for. */
  followDeleted(): void {
    for (;;) {
      const dependents = this.#tx.all<Dependent>(selectDependentsOfDeleted)
      if (dependents.length === 0) return
      this.followJobs(this.#meet(dependents))
    }
  }

  /** Closes what has nothing pending. Returns whether there was anything. */
  closeBatches(): boolean {
    const closable = this.#tx.all<ClosableRow>(selectClosable)
    for (const batch of closable) this.#close(batch)
    if (closable.length > 0) this.#tx.touch(finishedTopic)
    return closable.length > 0
  }

  /** Returns the jobs that were cancelled because of it. */
  #meet(dependents: readonly Dependent[]): number[] {
    const ended: number[] = []
    const met = new Set<number>()
    for (const dependent of dependents) {
      const { job_id: id, needs, needs_id: needed, if_failed: ifFailed, state } = dependent
      const isMet = state === 'completed' || ifFailed === 'run'
      this.#tx.run(setDependency, [isMet ? 'met' : 'failed', id, needs, needed])
      if (isMet) met.add(id)
      else if (this.#cancel(id, reasonOf(dependent))) ended.push(id)
    }
    for (const id of met) this.#release(id)
    return ended
  }

  #cancel(id: number, reason: string): boolean {
    const row = this.#tx.get<{ name: string; batch_id: number | null }>(cancelDependent, {
      id,
      reason,
      now: this.#now,
    })
    if (row === undefined) return false
    this.cancelled.push({ id, name: row.name, state: 'cancelled', batchId: row.batch_id })
    return true
  }

  #release(id: number): void {
    if (this.#tx.get(selectWaitingOfJob, [id]) !== undefined) return
    const { delay, run_at: runAt } = this.#tx.get<{ delay: number | null; run_at: number | null }>(
      selectStart,
      [id],
    )!
    const at = Math.max(runAt ?? 0, delay === null ? 0 : this.#now + delay)
    const isDue = at <= this.#now
    const row = this.#tx.get<{ id: number; queue: string; priority: number; fair_key: string | null }>(
      releaseJob,
      [isDue ? 'available' : 'scheduled', isDue ? null : at, id],
    )
    if (row === undefined) return
    if (isDue && row.fair_key !== null) {
      const fair = { ...row, turn: 0 }
      new FairTurns(this.#tx).give(fair)
      this.#tx.run(setTurn, [fair.turn, id])
    }
    this.#tx.touch(jobsTopic)
  }

  #close(batch: ClosableRow): void {
    const state = this.#outcomeOf(batch)
    this.#tx.run(closeBatch, [state, this.#now, batch.id])
    this.#enqueueCallback(batch, state === 'completed' ? 'success' : 'failure')
    this.#enqueueCallback(batch, 'finish')
    if (batch.parent_id !== null) this.#tx.run(countNested, [-1, batch.parent_id])
    this.followBatch(batch.id)
  }

  #outcomeOf({ id, discarded, cancelled, cancel_reason: cancelReason }: ClosableRow) {
    const nested = this.#tx.get<{ failed: number; cancelled: number }>(selectNestedOutcome, [id])!
    if (cancelReason !== null) return 'cancelled'
    if (discarded + nested.failed > 0) return 'failed'
    return cancelled + nested.cancelled > 0 ? 'cancelled' : 'completed'
  }

  #isOpen(id: number): boolean {
    const state = this.#tx.get<{ state: string }>(selectBatch, [id])?.state
    return state === 'open' || state === 'held'
  }

  /** The callback of a nested batch is a job of the batch around it, which has to wait for it. */
  #enqueueCallback({ id, parent_id: parent, closings }: ClosableRow, kind: CallbackKind): void {
    const callbacks = this.#tx.get<Record<`on_${CallbackKind}`, string | null>>(selectCallbacks, [id])
    const text = callbacks?.[`on_${kind}`] ?? null
    if (text === null) return
    const batch = parent !== null && this.#isOpen(parent) ? parent : null
    const row = { ...(JSON.parse(text) as JobRow), created_at: this.#now, batch_id: batch }
    const job = insertRow(this.#tx, row)
    this.#tx.run(insertCallback, [job.id, id, closings + 1, kind])
  }
}

const inherited = /^the (?:job|batch) .* that it needs /

/** What was cancelled for such a reason itself hands that on, so that everybody has the first cause. */
function reasonOf({ needs, needs_id: id, needed_name: neededName, name, state, reason }: Dependent): string {
  if (reason !== null && inherited.test(reason)) return reason
  const called = neededName ?? name
  const what = `the ${needs} ${called === null ? id : `"${called}" (${id})`} that it needs`
  return `${what} ${state === 'failed' ? 'has failed' : `was ${state}`}${reason === null ? '' : `: ${reason}`}`
}
