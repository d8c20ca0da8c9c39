import type { Duration, Logger } from '../../core/index.ts'
import { refuse, type Database, type Transaction } from '../../database/index.ts'
import type { Batch } from '../batches/batch.ts'
import { batchOfJob, readNeeds, type NeededJob } from '../batches/needs.ts'
import type { JobDefinition, ResultOf } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import type { EnqueueOptions } from '../enqueue/enqueue-options.ts'
import type { JobHandle } from '../enqueue/job-handle.ts'
import type { Jobs } from '../jobs.ts'
import { encode } from '../definition/payload.ts'
import type { Cursor } from '../steps/cursor.ts'
import type { StepScope } from '../steps/run-function.ts'
import type { StepOptions } from '../steps/step-options.ts'
import { Steps, type Settled } from '../steps/steps.ts'
import { StoredSteps } from '../steps/stored-steps.ts'
import { Suspension } from '../steps/suspension.ts'
import { writeLog } from './job-log.ts'
import type { RunningJob } from './running-job.ts'
import { claimLost } from './claim-lost.ts'
import { selectClaim, setProgress } from '../sql.ts'

/** What `perform` gets beside its payload: what it knows about the job, and what it can do with it. */
export class JobContext {
  /** @internal */
  readonly running: RunningJob
  /** @internal */
  readonly engine: Engine
  readonly #finishHere: (running: RunningJob, body: (tx: Transaction) => unknown) => Promise<unknown>
  #storedSteps: StoredSteps | undefined
  #steps: Steps | undefined

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

  /**
   * 1 at the first try. One that was snoozed, or ended by a stop, does not count; after an attempt in which a step was done or a cursor
   * moved, the count begins anew.
   */
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

  /** The jobs that it is one of, for whatever else there is to do with them: batches, workflows, events. */
  get jobs(): Jobs {
    return this.engine.jobs
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

  /** Adds a line to the log of the job: up to 8 KiB of it. The newest 1,000 lines are kept. */
  async log(text: string): Promise<void> {
    await writeLog(this.engine, this.running, text)
  }

  /** The batch that this job is in; of a callback, the batch that has ended. */
  get batch(): Batch | undefined {
    return batchOfJob(this.engine, this.running.row)
  }

  /**
   * What this job has waited for, with the results: by the names in the workflow, by id where there is none. Of a batch it
   * is the results of its jobs.
   */
  needs<Results extends Record<string, unknown>>(): Promise<{
    [Name in keyof Results]: NeededJob<Results[Name]>
  }> {
    return readNeeds(this.engine, this.id) as Promise<{ [Name in keyof Results]: NeededJob<Results[Name]> }>
  }

  /** Enqueues a job as `jobs.enqueue` does; its row remembers this one as its parent. */
  enqueue<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payload: Payload,
    options?: EnqueueOptions,
  ): Promise<JobHandle<Result>> {
    const { database, enqueuer } = this.engine
    return refuse(database, () => enqueuer.enqueue(definition, payload, options, this.id))
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
   * Runs a function once and remembers its result: an attempt that comes here later gets the result and does not run it again. What
   * it returns is kept as JSON, and given back as JSON makes it, also the first time.
   *
   * When the process dies, the step that ran is run again, with the same `key`. When the function throws, the attempt has failed; with
   * `maxAttempts` it is the step that is tried again, or has failed for good.
   *
   * @param name Its name in this job: another one for each step, the same in every attempt.
   * @throws StateError `HANDCAR_JOB_STEP`, `HANDCAR_JOB_STEP_FAILED`; OptionsError `HANDCAR_JOB_PAYLOAD` for a result that is not JSON
   */
  step<Result>(
    name: string,
    run: (step: StepScope) => Result,
    options?: StepOptions,
  ): Promise<ResultOf<Result>> {
    return this.#remember().step(name, run, options) as Promise<ResultOf<Result>>
  }

  /**
   * A step that is one write: what the body writes and the record that it was run commit together, so that it happens exactly once.
   *
   * @throws StateError `HANDCAR_JOB_STEP`, `HANDCAR_JOB_CLAIM_LOST`; whatever the body throws
   */
  write<Result>(name: string, body: (tx: Transaction) => Result): Promise<ResultOf<Result>> {
    return this.#remember().write(name, body, undefined) as Promise<ResultOf<Result>>
  }

  /** Sleeps for some time, once: the job leaves its slot, also its process, and goes on when the time is over. */
  sleep(name: string, duration: Duration): Promise<void> {
    return this.#remember().sleep(name, duration)
  }

  /** Sleeps as `sleep` does, until a time: a Date or milliseconds since 1970. */
  sleepUntil(name: string, time: Date | number): Promise<void> {
    return this.#remember().sleepUntil(name, time)
  }

  /**
   * Waits for an event of `jobs.emit` and returns its payload; `undefined` when the timeout is over before it comes. The job leaves
   * its slot meanwhile.
   *
   * An event counts that was emitted after the job was enqueued, also before this call. Waits for one event get its first, its
   * second, … in their order.
   *
   * @param options `event`: its name; default: the name of the wait. `timeout`: default: none.
   */
  waitForEvent<Payload = unknown>(
    name: string,
    options?: { event?: string; timeout?: Duration },
  ): Promise<Payload | undefined> {
    return this.#remember().wait(name, options) as Promise<Payload | undefined>
  }

  /** Where a long loop stands, kept with the job: `initial` until it is saved for the first time. */
  cursor<Value>(name: string, initial: Value): Promise<Cursor<Value>>
  cursor<Value>(name: string): Promise<Cursor<Value | undefined>>
  cursor<Value>(name: string, initial?: Value): Promise<Cursor<Value | undefined>> {
    return this.#remember().cursor(name, initial)
  }

  /** @internal Where the steps of the job are stored. */
  get storedSteps(): StoredSteps {
    return (this.#storedSteps ??= new StoredSteps(this.engine, this.running.row, this.running.definition))
  }

  /** @internal What its steps make of an attempt that has ended; `undefined` when it has taken none. */
  conclude(settled: Settled): Promise<{ thrown: unknown } | undefined> | undefined {
    if (this.#steps === undefined || this.running.isWritten) return undefined
    return this.#steps.conclude(settled).then((ending) => {
      if (!(ending?.thrown instanceof Suspension)) return ending
      return { thrown: ending.thrown.outcome(this.id, this.engine) }
    })
  }

  #remember(): Steps {
    const { engine, running } = this
    return (this.#steps ??= new Steps(this.storedSteps, {
      name: `job "${this.name}"`,
      maxPayload: engine.maxPayload,
      get signal() {
        return running.signal
      },
      get isInTransaction() {
        return engine.database.isInTransaction
      },
    }))
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
