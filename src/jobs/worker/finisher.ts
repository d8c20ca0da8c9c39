import type { Transaction } from '../../database/index.ts'
import { jobsTopic, tellEnded, type EndedJob, type Engine } from '../engine.ts'
import { describeError } from '../describe-error.ts'
import { limitOf, unblock } from './limits.ts'
import type { ClaimedRow, Finish, RunningJob } from '../perform/running-job.ts'
import {
  completeJobs,
  finishJob,
  insertError,
  releaseKey,
  restoreClaim,
  selectCancelReason,
  selectNotCompleted,
} from '../sql.ts'

/**
 * Writes what has become of jobs. Each write names the claim that it belongs to, so that a job which was given to somebody else
 * meanwhile is left alone.
 *
 * Nearly all jobs complete, return nothing, and concern nobody else: one statement serves all of those.
 */
export class Finisher {
  readonly #engine: Engine
  /** Name of the worker, for the errors that it writes down. */
  worker = ''

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Writes what has become of the jobs of a turn. Returns those whose claim was lost. */
  write(tx: Transaction, jobs: readonly RunningJob[], now: number): RunningJob[] {
    const lost: RunningJob[] = []
    const ended: EndedJob[] = []
    const plain: RunningJob[] = []
    for (const job of jobs) {
      const finish = heedCancel(tx, job, job.finish!)
      if (isPlain(job, finish)) {
        plain.push(job)
      } else if (!this.#update(tx, job, finish, now)) {
        lost.push(job)
      } else if (isFinal(finish.state)) {
        ended.push(endedJob(job, finish.state))
      }
    }
    const foreign = complete(tx, plain, now)
    for (const job of plain) {
      if (foreign?.has(job.row.id) === true) lost.push(job)
      else ended.push(endedJob(job, 'completed'))
    }
    this.#followUp(tx, jobs, ended)
    return lost
  }

  /** Writes what has become of one job, in a transaction of its own. Returns whether it still belonged to this process. */
  writeOne(tx: Transaction, job: RunningJob, wanted: Finish, now: number): boolean {
    const finish = heedCancel(tx, job, wanted)
    if (!this.#update(tx, job, finish, now)) return false
    this.#followUp(tx, [job], isFinal(finish.state) ? [endedJob(job, finish.state)] : [])
    return true
  }

  #followUp(tx: Transaction, jobs: readonly RunningJob[], ended: readonly EndedJob[]): void {
    let keys: Map<string, number> | undefined
    for (const { row, definition } of jobs) {
      if (row.limit_key !== null)
        (keys ??= new Map()).set(row.limit_key, limitOf(definition, row.limit_count))
    }
    if (keys !== undefined) for (const [key, limit] of keys) unblock(tx, key, limit)
    // A place of the queue is free: for a slot of this worker, or of another one.
    if (jobs.some(({ row }) => this.#engine.queueLimits.has(row.queue))) tx.touch(jobsTopic)
    tellEnded(tx, this.#engine, ended)
  }

  #update(tx: Transaction, { row, startedAt }: RunningJob, finish: Finish, now: number) {
    const state = finish.isReady?.(tx) === true ? 'available' : finish.state
    if (!writeFinish(tx, row, { ...finish, state }, now)) return false
    if (finish.error !== undefined) {
      const { message, stack } = describeError(finish.error)
      const duration = Math.round(performance.now() - startedAt)
      tx.run(insertError, [
        row.id,
        row.claims,
        row.attempt,
        now - duration,
        duration,
        this.worker,
        message,
        stack,
      ])
    }
    if (finish.isUnbegun === true && (row.unique_key ?? row.rate_key) !== null) {
      tx.run(restoreClaim, [row.unique_key, row.rate_key === null ? null : now, row.id])
    }
    if (!isFinal(state)) tx.touch(jobsTopic)
    return true
  }
}

/** A job that was to run again, and was cancelled before that is written, is cancelled: nobody would tell it again. */
function heedCancel(tx: Transaction, { row }: RunningJob, finish: Finish): Finish {
  if (isFinal(finish.state)) return finish
  const asked = tx.get<{ cancel_reason: string }>(selectCancelReason, [row.id, row.claims])
  if (asked === undefined) return finish
  return { state: 'cancelled', reason: asked.cancel_reason, error: finish.error }
}

/** Completes jobs of which nothing else is to be written. Returns the ids of those that were not its own any more, if any. */
function complete(tx: Transaction, jobs: readonly RunningJob[], now: number): Set<number> | undefined {
  if (jobs.length === 0) return undefined
  const list = `[${jobs.map(({ row: { id, claims } }) => `[${id},${claims}]`).join(',')}]`
  if (tx.run(completeJobs, [now, list]).changes === jobs.length) return undefined
  return new Set(tx.all<{ id: number }>(selectNotCompleted, [list]).map(({ id }) => id))
}

/** What of a row its finish depends on. */
type Held = Pick<ClaimedRow, 'id' | 'claims' | 'crashes' | 'unique_while' | 'unique_until'>

/** Takes a job out of the state `running`; returns `false` when it is not there any more, or was claimed again. */
export function writeFinish(tx: Transaction, row: Held, finish: Finish, now: number): boolean {
  const isFinished = isFinal(finish.state)
  const { changes } = tx.run(finishJob, [
    finish.state,
    finish.parked ?? 0,
    finish.isUncounted === true ? 1 : 0,
    finish.scheduledAt ?? null,
    isFinished ? now : null,
    finish.result ?? null,
    finish.reason ?? null,
    row.crashes + (finish.isCrash === true ? 1 : 0),
    row.id,
    row.claims,
  ])
  if (changes === 0) return false
  if (isFinished && row.unique_while !== null && (row.unique_until ?? 0) <= now) tx.run(releaseKey, [row.id])
  return true
}

/** Whether it completed and nothing but its state has to be written. */
function isPlain({ row }: RunningJob, finish: Finish): boolean {
  return (
    finish.state === 'completed' &&
    finish.result === undefined &&
    finish.reason === undefined &&
    finish.error === undefined &&
    row.unique_while === null
  )
}

/** Whether a job that is in this state will not run again by itself. */
export function isFinal(state: string): state is EndedJob['state'] {
  return state === 'completed' || state === 'cancelled' || state === 'discarded'
}

function endedJob({ row }: RunningJob, state: EndedJob['state']): EndedJob {
  return { id: row.id, name: row.name, state, batchId: row.batch_id }
}
