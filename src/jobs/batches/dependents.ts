import type { Transaction } from '../../database/index.ts'
import { jobsTopic, type EndedJob } from '../engine.ts'
import { FairTurns } from '../enqueue/fair-turns.ts'
import { setTurn } from '../sql.ts'
import {
  cancelDependent,
  deleteRelease,
  insertRelease,
  releaseJob,
  selectDependentsOfJobs,
  selectDependentsOfOne,
  selectReleases,
  selectStart,
  selectWaiting,
  selectWaitingOfJob,
  setDependency,
} from './sql.ts'

interface DependentRow {
  job_id: number
  needs: 'job' | 'batch'
  needs_id: number
  if_failed: 'cancel' | 'run'
  needed_name: string | null
  name: string | null
  state: string
  reason: string | null
}

/** How many dependents one write releases or cancels, so that it stays short. */
const mostAtOnce = 500

/**
 * Goes on with what has waited for something that has ended: releases it when that was the last thing, or cancels it, and then
 * goes on with what has waited for that.
 *
 * The first 500 follow in the same transaction. What has more is written down (`handcar_job_releases`), and the rest follows
 * in further writes, of whichever process works on jobs.
 */
export class Dependents {
  /** The jobs that were cancelled. */
  readonly cancelled: EndedJob[] = []
  readonly #tx: Transaction
  readonly #now: number
  #left = mostAtOnce

  constructor(tx: Transaction, now: number) {
    this.#tx = tx
    this.#now = now
  }

  /** Jobs have ended. */
  followJobs(ids: readonly number[]): void {
    if (this.#tx.get(selectWaiting) === undefined) return
    for (let ended = ids; ended.length > 0;) {
      const limit = this.#left
      const dependents =
        limit > 0 ? this.#tx.all<DependentRow>(selectDependentsOfJobs, [JSON.stringify(ended), limit]) : []
      if (dependents.length === limit) for (const id of ended) this.#tx.run(insertRelease, ['job', id])
      ended = this.#meet(dependents)
    }
  }

  /** A job or batch has ended, or is not there. */
  follow(needs: 'job' | 'batch', id: number): void {
    if (this.#tx.get(selectWaiting) === undefined) return
    if (!this.#followOne(needs, id)) this.#tx.run(insertRelease, [needs, id])
  }

  /** What an earlier write has left over, and what others have waited for that was deleted. */
  followReleases(): void {
    for (const { needs, needs_id: id } of this.#tx.all<DependentRow>(selectReleases, [mostAtOnce])) {
      if (this.#left <= 0) return
      if (this.#followOne(needs, id)) this.#tx.run(deleteRelease, [needs, id])
    }
  }

  /** Returns whether nobody is left that waits. */
  #followOne(needs: 'job' | 'batch', id: number): boolean {
    const limit = this.#left
    if (limit <= 0) return false
    const dependents = this.#tx.all<DependentRow>(selectDependentsOfOne, [needs, id, limit])
    this.followJobs(this.#meet(dependents))
    return dependents.length < limit
  }

  /** Returns the jobs that were cancelled because of it. */
  #meet(dependents: readonly DependentRow[]): number[] {
    this.#left -= dependents.length
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
    const start = this.#tx.get<{ delay: number | null; run_at: number | null }>(selectStart, [id])!
    const at = Math.max(start.run_at ?? 0, start.delay === null ? 0 : this.#now + start.delay)
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
}

const inherited = /^the (?:job|batch) .* that it needs /

/** What was cancelled for such a reason itself hands that on, so that everybody has the first cause. */
function reasonOf({
  needs,
  needs_id: id,
  needed_name: neededName,
  name,
  state,
  reason,
}: DependentRow): string {
  if (reason !== null && inherited.test(reason)) return reason
  const called = neededName ?? name
  const what = `the ${needs} ${called === null ? id : `"${called}" (${id})`} that it needs`
  return `${what} ${state === 'failed' ? 'has failed' : `was ${state}`}${reason === null ? '' : `: ${reason}`}`
}
