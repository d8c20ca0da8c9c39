import {
  HandcarError,
  option,
  readOptions,
  StateError,
  TimeoutError,
  type Duration,
} from '../../core/index.ts'
import { refuse } from '../../database/index.ts'
import type { JobDefinition } from '../definition/define-job.ts'
import { finishedTopic, type Engine } from '../engine.ts'
import type { EnqueueOptions } from '../enqueue/enqueue-options.ts'
import { JobHandle } from '../enqueue/job-handle.ts'
import type { PayloadAndOptions } from './batch-builder.ts'
import { goOnCancelling } from './cancelling.ts'
import { readGraph, type BatchGraph } from './graph.ts'
import { readFailures, readResults, type BatchFailure } from './results.ts'
import { settleAndTell } from './settlement.ts'
import { untilAnswered } from '../until-answered.ts'
import { cancelBatches, openBatch, selectBatch, selectMetadata, selectNode, selectProgress } from './sql.ts'

/** Where a batch is: `open` while anything of it is unfinished; `held` while it waits for `close()`; or how it has ended. */
export type BatchState = 'held' | 'open' | 'completed' | 'failed' | 'cancelled'

/** How far a batch has come, with all that is nested in it. Counts are of jobs, callbacks of nested batches among them. */
export interface BatchProgress {
  /** `completed`: all jobs have; `failed`: one was discarded; `cancelled`: one was cancelled and none discarded, or the batch was. */
  state: BatchState
  total: number
  /** Not ended yet. */
  pending: number
  completed: number
  discarded: number
  cancelled: number
}

interface BatchRow {
  state: BatchState
  name: string | null
  cancel_reason: string | null
}

/** A batch of jobs, or a workflow: what can be asked about it and done with it, in this process or another one. */
export class Batch {
  readonly id: number
  readonly #engine: Engine

  /** @internal */
  constructor(engine: Engine, id: number) {
    this.#engine = engine
    this.id = id
  }

  /** What it is called; `undefined` when it has no name, or was deleted. */
  get name(): string | undefined {
    return this.#row()?.name ?? undefined
  }

  /** Where it is now; `undefined` when it was deleted. */
  state(): BatchState | undefined {
    return this.#row()?.state
  }

  /** What was given to it as `metadata`. */
  metadata<Metadata = unknown>(): Metadata | undefined {
    const row = this.#engine.database.get<{ metadata: string | null }>(selectMetadata, [this.id])
    return row?.metadata == null ? undefined : (JSON.parse(row.metadata) as Metadata)
  }

  /**
   * How far it has come.
   *
   * @throws StateError `HANDCAR_BATCH_UNKNOWN` when it was deleted
   */
  progress(): BatchProgress {
    return this.#engine.database.read((tx) => {
      const row = tx.get<BatchRow>(selectBatch, [this.id])
      if (row === undefined) throw unknown(this.id)
      const counts = tx.get<Omit<BatchProgress, 'state' | 'pending'>>(selectProgress, { id: this.id })!
      const { total, completed, discarded, cancelled } = counts
      return { state: row.state, ...counts, pending: total - completed - discarded - cancelled }
    })
  }

  /**
   * Waits until it has closed, however it has ended, and gives its progress.
   *
   * @throws StateError `HANDCAR_BATCH_UNKNOWN` when it was deleted
   * @throws TimeoutError `HANDCAR_JOB_TIMEOUT`
   */
  wait(options?: { timeout?: Duration }): Promise<BatchProgress> {
    const { timeout } = readOptions('wait', options, { timeout: option.optional(option.duration(0)) })
    const late = (): Error =>
      new TimeoutError('HANDCAR_JOB_TIMEOUT', `Batch ${this.id} had not ended after ${timeout} ms`)
    const ask = (): BatchProgress | undefined => {
      const state = this.state()
      return state === 'open' || state === 'held' ? undefined : this.progress()
    }
    return untilAnswered(this.#engine.database, [finishedTopic], ask, { timeout, late })
  }

  /**
   * What its completed jobs have returned, in the order in which they were enqueued: of all jobs, or of those of one definition.
   * Jobs of nested batches are not among them.
   */
  results<Result = unknown>(definition?: JobDefinition<never, Result>): Promise<Result[]> {
    return readResults(this.#engine, this.id, definition?.name)
  }

  /** Its jobs that were discarded or cancelled, with the reason. */
  failures(): Promise<BatchFailure[]> {
    return readFailures(this.#engine, this.id)
  }

  /** Of a workflow: the job that has this name in it. */
  job<Result = unknown>(name: string): JobHandle<Result> | undefined {
    const node = this.#engine.database.get<{ kind: string; target_id: number }>(selectNode, [this.id, name])
    if (node?.kind !== 'job') return undefined
    return new JobHandle<Result>(this.#engine, { id: node.target_id, wasEnqueued: true })
  }

  /** Its jobs and nested batches, and what waits for what. At most 1,000 of each are listed. */
  graph(): BatchGraph {
    return readGraph(this.#engine.database, this.id)
  }

  /**
   * Adds a job while the batch is open: from one of its own jobs, from anywhere while one is unfinished or it is held.
   *
   * @throws StateError `HANDCAR_BATCH_CLOSED`; and what `jobs.enqueue` throws
   */
  add<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    ...[payload, options]: PayloadAndOptions<Payload, Omit<EnqueueOptions, 'batch'>>
  ): Promise<JobHandle<Result>> {
    const { database, enqueuer } = this.#engine
    return refuse(database, () => enqueuer.enqueue(definition, payload, { ...options, batch: this }))
  }

  /** Adds any number of jobs, all or none. */
  addAll<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payloads: readonly Payload[],
    options?: Omit<EnqueueOptions, 'batch'>,
  ): Promise<JobHandle<Result>[]> {
    const { database, enqueuer } = this.#engine
    return refuse(database, () => enqueuer.enqueueAll(definition, payloads, { ...options, batch: this }))
  }

  /** Ends the time in which a batch with `stayOpen` is held open: it closes when its jobs have ended. */
  async close(): Promise<void> {
    await this.#engine.database.write((tx) => {
      tx.run(openBatch, [this.id])
      settleAndTell(this.#engine, tx, [])
    })
  }

  /**
   * Ends all that is unfinished of it and of what is nested in it: what waits at once, what runs is told by its signal. Takes no
   * more jobs. Callbacks are enqueued as always, to clean up. Resolves when nothing waits any more.
   */
  async cancel(reason = 'cancelled'): Promise<void> {
    if (typeof reason !== 'string' || reason === '')
      throw new HandcarError('HANDCAR_OPTION_INVALID', 'cancel() expects a reason that is not empty')
    await this.#engine.database.write((tx) => tx.run(cancelBatches, { id: this.id, reason }))
    await goOnCancelling(this.#engine)
  }

  #row(): BatchRow | undefined {
    return this.#engine.database.get<BatchRow>(selectBatch, [this.id])
  }
}

function unknown(id: number): StateError {
  return new StateError('HANDCAR_BATCH_UNKNOWN', `There is no batch ${id}`)
}
