import {
  HandcarError,
  option,
  readOptions,
  StateError,
  TimeoutError,
  type Duration,
} from '../../core/index.ts'
import { cancelTopic, finishedTopic, tellEnded, type Engine } from '../engine.ts'
import type { Enqueued } from './insertion.ts'
import { isFinal } from '../worker/finisher.ts'
import { untilAnswered } from '../until-answered.ts'
import { cancelRunningJob, cancelWaitingJob, selectState } from '../sql.ts'

/** Where a job is in its life. */
export type JobState =
  | 'available'
  | 'scheduled'
  | 'running'
  | 'retryable'
  | 'completed'
  | 'cancelled'
  | 'discarded'

interface StateRow {
  state: JobState
  result: string | null
  reason: string | null
}

/** A job that was enqueued: what its producer can ask about it, in this process or another one. */
export class JobHandle<Result = unknown> {
  /** Never used again, also when the job is deleted. */
  readonly id: number
  /** `false` when another job has its unique key: then this is the handle of that one. */
  readonly wasEnqueued: boolean
  readonly #engine: Engine

  /** @internal */
  constructor(engine: Engine, { id, wasEnqueued }: Enqueued) {
    this.#engine = engine
    this.id = id
    this.wasEnqueued = wasEnqueued
  }

  /** Where it is now; `undefined` when it was deleted. */
  state(): JobState | undefined {
    return this.#row()?.state
  }

  /**
   * Waits until the job has ended, and gives what it has returned.
   *
   * @throws StateError `HANDCAR_JOB_ENDED` when it was cancelled, discarded or deleted
   * @throws TimeoutError `HANDCAR_JOB_TIMEOUT`
   */
  result(options?: { timeout?: Duration }): Promise<Result> {
    const { timeout } = readOptions('result', options, { timeout: option.optional(option.duration(0)) })
    const late = (): Error =>
      new TimeoutError('HANDCAR_JOB_TIMEOUT', `Job ${this.id} had not ended after ${timeout} ms`)
    const ask = (): { result: Result } | undefined => this.#ended()
    const ended = untilAnswered(this.#engine.database, [finishedTopic], ask, { timeout, late })
    return ended.then(({ result }) => result)
  }

  /**
   * Ends the job: at once when it waits; one that runs is told by its signal. Resolves with `false` when it had ended before.
   */
  async cancel(reason = 'cancelled'): Promise<boolean> {
    return cancelJob(this.#engine, this.id, reason)
  }

  #ended(): { result: Result } | undefined {
    const row = this.#row()
    if (row?.state === 'completed')
      return { result: (row.result === null ? undefined : JSON.parse(row.result)) as Result }
    if (row !== undefined && !isFinal(row.state)) return undefined
    const what = row === undefined ? 'was deleted' : `was ${row.state}: ${row.reason}`
    throw new StateError('HANDCAR_JOB_ENDED', `Job ${this.id} ${what}`, {
      details: { id: this.id, state: row?.state },
    })
  }

  #row(): StateRow | undefined {
    return this.#engine.database.get<StateRow>(selectState, [this.id])
  }
}

/** Cancels a job, inside the open transaction if there is one. */
async function cancelJob(engine: Engine, id: number, reason: string): Promise<boolean> {
  if (typeof reason !== 'string' || reason === '')
    throw new HandcarError('HANDCAR_OPTION_INVALID', 'cancel() expects a reason that is not empty')
  const { database, clock } = engine
  return database.write((tx) => {
    const cancelled = tx.get<{ id: number; name: string; batch_id: number | null }>(cancelWaitingJob, {
      id,
      reason,
      now: clock.now(),
    })
    if (cancelled !== undefined) {
      tellEnded(tx, engine, [{ id, name: cancelled.name, state: 'cancelled', batchId: cancelled.batch_id }])
      return true
    }
    if (tx.run(cancelRunningJob, [reason, id]).changes === 0) return false
    tx.touch(cancelTopic)
    return true
  })
}
