import { StateError, type Logger } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { JobDefinition } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import type { EnqueueOptions } from '../enqueue/enqueue-options.ts'
import type { JobHandle } from '../enqueue/job-handle.ts'
import { encode } from '../definition/payload.ts'
import type { RunningJob } from './running-job.ts'
import { insertLog, selectClaim, setProgress } from '../sql.ts'

/** What `perform` gets beside its payload: what it knows about the job, and what it can do with it. */
export class JobContext {
  /** @internal */
  readonly running: RunningJob
  /** @internal */
  readonly engine: Engine
  readonly #finishHere: (running: RunningJob, body: (tx: Transaction) => unknown) => Promise<unknown>

  /** @internal */
  constructor(
    running: RunningJob,
    engine: Engine,
    finishHere: (running: RunningJob, body: (tx: Transaction) => unknown) => Promise<unknown>,
  ) {
    this.running = running
    this.engine = engine
    this.#finishHere = finishHere
  }

  get id(): number {
    return this.running.row.id
  }

  get name(): string {
    return this.running.row.name
  }

  /** 1 at the first try. One that was snoozed, or ended by a stop, does not count. */
  get attempt(): number {
    return this.running.row.attempt
  }

  get maxAttempts(): number {
    return this.running.row.max_attempts
  }

  /** Aborted when the job is cancelled, its time is over, or the process stops; the reason says which. */
  get signal(): AbortSignal {
    return this.running.signal
  }

  /** The database that the jobs are in. */
  get database(): Database {
    return this.engine.database
  }

  /** A logger whose lines name the job. */
  get logger(): Logger {
    const { logger } = this.engine
    const named = (fields: Record<string, unknown>) => ({ job: this.name, jobId: this.id, ...fields })
    return {
      debug: (fields, message) => logger.debug(named(fields), message),
      info: (fields, message) => logger.info(named(fields), message),
      warn: (fields, message) => logger.warn(named(fields), message),
      error: (fields, message) => logger.error(named(fields), message),
    }
  }

  /** Says how far the job has come: any JSON, kept in its row. */
  async progress(value: unknown): Promise<void> {
    const { row } = this.running
    const text = encode(value, `progress of job "${row.name}"`, this.engine.maxPayload)
    await this.engine.database.write((tx) => {
      if (tx.run(setProgress, [text, row.id, row.claims]).changes === 0) throw claimLost(this.running)
      tx.touch('handcar.jobs.progress')
    })
  }

  /** Adds a line to the log of the job. */
  async log(text: string): Promise<void> {
    const { database, clock } = this.engine
    await database.write((tx) => {
      tx.run(insertLog, [this.id, clock.now(), text])
    })
  }

  /** Enqueues a job as `jobs.enqueue` does; its row remembers this one as its parent. */
  async enqueue<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payload: Payload,
    options?: EnqueueOptions,
  ): Promise<JobHandle<Result>> {
    return this.engine.enqueuer.enqueue(definition, payload, options, this.id)
  }

  /**
   * Ends the job inside a transaction: what the body writes and the completion of the job commit together, so that it happens
   * exactly once. What the body returns is the job's result.
   *
   * @throws StateError `HANDCAR_JOB_CLAIM_LOST` when the job belongs to somebody else by now; then nothing is written
   */
  complete<Result = undefined>(body?: (tx: Transaction) => Result | Promise<Result>): Promise<Result> {
    return this.#finishHere(this.running, body ?? (() => undefined)) as Promise<Result>
  }

  /**
   * @internal Makes sure, inside a transaction, that the job still belongs to this process.
   *
   * @throws StateError `HANDCAR_JOB_CLAIM_LOST`
   */
  assertOwned(tx: Transaction): void {
    const { row } = this.running
    if (tx.get(selectClaim, [row.id, row.claims]) === undefined) throw claimLost(this.running)
  }
}

/** The error of somebody who goes on with a job that was given to another worker. */
export function claimLost({ row }: RunningJob): StateError {
  return new StateError(
    'HANDCAR_JOB_CLAIM_LOST',
    `Job ${row.id} ("${row.name}") does not belong to this attempt any more: it was cancelled, or given to another process`,
    { details: { id: row.id, job: row.name } },
  )
}
