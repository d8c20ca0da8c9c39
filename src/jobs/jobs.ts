import { option, readOptions, Service, StateError, type StopOptions } from '../core/index.ts'
import { refuse, type FileChange, type Migration } from '../database/index.ts'
import type { Batch } from './batches/batch.ts'
import type { BatchBuilder } from './batches/batch-builder.ts'
import type { BatchOptions } from './batches/batch-options.ts'
import { Batches } from './batches/batches.ts'
import type { AnyJobDefinition, JobDefinition } from './definition/define-job.ts'
import type { EndListener, Engine } from './engine.ts'
import type { EnqueueOptions } from './enqueue/enqueue-options.ts'
import { Enqueuer } from './enqueue/enqueuer.ts'
import type { JobHandle } from './enqueue/job-handle.ts'
import { findLongestWait, type LongestWait } from './longest-wait.ts'
import { Loops } from './loops.ts'
import type { PruneMessage } from './events.ts'
import { migrations } from './migrations.ts'
import type { JobAction } from './operations/action.ts'
import type { DrainOptions } from './operations/drain.ts'
import type { JobEdit } from './operations/edit.ts'
import type { ActOptions } from './operations/end.ts'
import type { JobFilter } from './operations/filter.ts'
import type { JobDetails } from './operations/job-details.ts'
import { Operations, type JobList, type JobPreview, type ListOptions } from './operations/operations.ts'
import type { PauseTarget } from './operations/pauses.ts'
import type { RetryOptions } from './operations/retry.ts'
import { resolveOptions, type JobsOptions } from './options.ts'
import type { RecurringDefinition } from './recurring/define-recurring.ts'
import { RecurringDefinitions } from './recurring/recurring-definitions.ts'
import { Recurring } from './recurring/recurring.ts'
import { Ticker } from './recurring/ticker.ts'
import { Pruner } from './retention/pruner.ts'
import { beginIds, selectTables, skipClaims, skipIds } from './sql.ts'
import { Deliveries } from './steps/deliveries.ts'
import { emit, type EmitOptions } from './steps/emit.ts'
import type { Death } from './worker/rescue.ts'
import { readStats, type JobsStats, type WorkerStats } from './stats.ts'
import { QueueLimits } from './worker/queue-limits.ts'
import { Worker } from './worker/worker.ts'

/** What the pieces of the part share: for `handcar/testing`. */
export let engineOf: (jobs: Jobs) => Engine

/**
 * Durable background jobs in the app's own file.
 *
 * ```ts
 * const jobs = new Jobs({ database, definitions: [welcome], work: { slots: 20 } })
 * await jobs.start()
 * await database.write((tx) => {
 *   tx.run(sql`insert into users …`)
 *   void jobs.enqueue(welcome, { userId: 1 })   // is part of the transaction
 * })
 * ```
 *
 * How and why: `docs/parts/jobs.md`.
 */
export class Jobs extends Service {
  static {
    engineOf = (jobs) => jobs.#engine
  }

  /** The tables of the part: `new Database({ partMigrations: { jobs: Jobs.migrations } })`. */
  static readonly migrations: readonly Migration[] = migrations

  /**
   * For a database that has gone back to an earlier state, before it is opened: neither ids nor claims are given that were given since.
   * Jobs that ran at that time are found as after a crash.
   */
  static readonly afterRestore: FileChange = {
    table: 'handcar_jobs',
    statements: [skipClaims, beginIds, skipIds],
  }

  /** The recurring jobs: list, next ticks, pause, edit, add. */
  readonly recurring: Recurring
  readonly #engine: Engine
  readonly #batches: Batches
  readonly #operations: Operations
  readonly #worker: Worker | undefined
  readonly #recurring = new RecurringDefinitions()
  readonly #ticker: Ticker
  readonly #pruner: Pruner
  readonly #loops: Loops
  readonly #begin: 'start' | 'later'
  readonly #stopTimeout: number

  /**
   * Checks the options; opens nothing.
   *
   * @throws OptionsError
   */
  constructor(options: JobsOptions) {
    const { work, queues, recurring, retention, stopTimeout, ...resolved } = resolveOptions(options)
    super(stopTimeout)
    const engine = {
      ...resolved,
      jobs: this,
      queueLimits: new QueueLimits(queues),
      endListeners: [] as EndListener[],
      isStopping: false,
    } as unknown as Engine & {
      enqueuer: Enqueuer
    }
    engine.enqueuer = new Enqueuer(engine)
    this.#engine = engine
    this.#batches = new Batches(engine)
    this.#operations = new Operations(engine)
    this.#begin = work?.begin ?? 'start'
    this.#worker = work === undefined ? undefined : new Worker(engine, work)
    this.#recurring.add(recurring, engine.definitions, 'Jobs option "recurring"')
    this.recurring = new Recurring(() => this.#ready(), this.#recurring)
    this.#ticker = new Ticker(engine, this.#recurring)
    this.#pruner = new Pruner(engine, retention)
    this.#loops = new Loops(
      this.#worker === undefined
        ? []
        : [this.#worker, this.#ticker, this.#batches, new Deliveries(engine), this.#pruner],
    )
    this.#stopTimeout = stopTimeout
  }

  /**
   * Adds jobs that can be enqueued and performed, and recurring jobs together with theirs, before the start or while it
   * runs; jobs that wait for them are performed.
   *
   * @throws OptionsError `HANDCAR_OPTION_INVALID` for a second definition of a name; then none is added
   */
  define(...definitions: readonly (AnyJobDefinition | RecurringDefinition)[]): void {
    this.#recurring.add(definitions, this.#engine.definitions, 'define')
    this.#worker?.look()
    this.#ticker.defined()
  }

  /**
   * Begins to perform, where the option `work` has `begin: 'later'`. Resolves when it has begun; a second call changes nothing, nor
   * does one where `work` is `false`.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  async work(): Promise<void> {
    this.#ready()
    await this.#loops.start()
  }

  /**
   * Ends to perform, as `stop()` does, while jobs can still be enqueued: what a process does first that is going to end. `work()`
   * begins again.
   */
  async rest(options?: StopOptions): Promise<void> {
    const { timeout } = readOptions('rest', options, { timeout: option.duration(this.#stopTimeout) })
    await this.#loops.stop(timeout)
    await this.#pruner.stop()
  }

  /**
   * Enqueues a job. Inside a body of `database.write` it is part of that transaction: a payload that is refused throws at once,
   * so that the body rolls back, and what the body throws takes the job back.
   *
   * @throws OptionsError `HANDCAR_JOB_PAYLOAD`, `HANDCAR_JOB_UNKNOWN`, and those of the options
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  enqueue<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    ...[payload, options]: undefined extends Payload
      ? [payload?: Payload, options?: EnqueueOptions]
      : [payload: Payload, options?: EnqueueOptions]
  ): Promise<JobHandle<Result>> {
    return this.#refuse(() => this.#ready().enqueuer.enqueue(definition, payload, options))
  }

  /**
   * Enqueues any number of jobs, all or none, as `enqueue` does. Options are for all of them; a function gives each its own.
   */
  enqueueAll<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Promise<JobHandle<Result>[]> {
    return this.#refuse(() => this.#ready().enqueuer.enqueueAll(definition, payloads, options))
  }

  /**
   * Enqueues jobs that belong together: their end, as a whole, enqueues callbacks, and can be waited for. They are inserted together
   * when the body has ended; inside a body of `database.write` they are part of that transaction.
   *
   * @throws OptionsError as `enqueue` does; HandcarError `HANDCAR_WORKFLOW_CYCLE`
   */
  batch<Success, Failure, Finish>(
    options: BatchOptions<Success, Failure, Finish>,
    body: (batch: BatchBuilder) => void | Promise<void>,
  ): Promise<Batch> {
    return this.#refuse(() => (this.#ready(), this.#batches.create(options, body)))
  }

  /** A batch whose jobs have names and wait for one another: `flow.add('report', report, payload, { dependsOn: [users, posts] })`. */
  workflow<Success, Failure, Finish>(
    options: BatchOptions<Success, Failure, Finish>,
    body: (flow: BatchBuilder) => void | Promise<void>,
  ): Promise<Batch> {
    return this.batch(options, body)
  }

  /** A batch or workflow that was made before, here or elsewhere; `undefined` when there is none. */
  getBatch(id: number): Batch | undefined {
    return this.#ready() && this.#batches.find(id)
  }

  /**
   * Looks for workers that have died, now, and gives their jobs back; what a process does that notices a death, such as a
   * supervisor. Works only where this process works on jobs. Resolves with the number of jobs.
   *
   * @param death What is known of a process that has died; it is written down with its jobs.
   */
  async rescue(death?: Death): Promise<number> {
    this.#ready()
    return (await this.#worker?.rescue(death)) ?? 0
  }

  /**
   * Emits an event for jobs that wait for it (`job.waitForEvent`), or will: it counts for every job that is enqueued already. Inside a
   * body of `database.write` it is part of that transaction.
   *
   * @param payload Any JSON. Default: `null`.
   */
  emit(event: string, payload?: unknown, options?: EmitOptions): Promise<void> {
    return this.#refuse(() => emit(this.#ready(), event, payload, options))
  }

  /** Whether this process performs jobs at this moment. */
  get isWorking(): boolean {
    return this.#worker !== undefined && this.#loops.isRunning
  }

  /** What this process does and has done; `undefined` where it does not work on jobs. Asks nothing of the database. */
  get here(): WorkerStats | undefined {
    return this.#worker?.stats()
  }

  /** For how long the jobs have waited that come next, the longest of them; `undefined` when none waits. Cheap with any number of jobs. */
  longestWait(): LongestWait | undefined {
    return findLongestWait(this.#ready())
  }

  /**
   * Deletes what the option `retention` lets go, now; what a process that works on jobs does by itself every few minutes.
   * Resolves with what was deleted.
   */
  async prune(): Promise<PruneMessage> {
    this.#ready()
    return await this.#pruner.prune()
  }

  /** How many jobs there are and where they stand, counted now. */
  stats(): Promise<JobsStats> {
    return readStats(this.#ready(), this.#worker)
  }

  /** The jobs that this process knows, by their names. */
  get definitions(): ReadonlyMap<string, AnyJobDefinition> {
    return this.#engine.definitions
  }

  /** The jobs that fit a filter, the newest first, page by page. */
  async list(filter: JobFilter = {}, options?: ListOptions): Promise<JobList> {
    return this.#ready(this.#operations).list(filter, options)
  }

  /** Everything about a job: its errors, logs, steps, batch, and what it needs; `undefined` when there is none. */
  async get(id: number): Promise<JobDetails | undefined> {
    return this.#ready(this.#operations).get(id)
  }

  /** What an action would do with the jobs of a filter: how many it would change, and a few of them. */
  async preview(action: JobAction, filter: number | JobFilter): Promise<JobPreview> {
    return this.#ready(this.#operations).preview(action, filter)
  }

  /**
   * Runs jobs again that have failed, were discarded or cancelled; what has completed only where the filter names that state.
   * Resolves, as all of these do, with the number of jobs that were changed.
   */
  async retry(filter: number | JobFilter, options?: RetryOptions): Promise<number> {
    return this.#ready(this.#operations).retry(filter, options)
  }

  /** Gives up jobs that wait. */
  async discard(filter: number | JobFilter, reason: string, options?: ActOptions): Promise<number> {
    return this.#ready(this.#operations).discard(filter, reason, options)
  }

  /** Ends jobs: at once those that wait; those that run are told by their signal. */
  async cancel(filter: number | JobFilter, reason: string, options?: ActOptions): Promise<number> {
    return this.#ready(this.#operations).cancel(filter, reason, options)
  }

  /** Gives jobs that wait another time. One that waits for an event, or for another job, is left alone. */
  async reschedule(filter: number | JobFilter, at: Date | number, options?: ActOptions): Promise<number> {
    return this.#ready(this.#operations).reschedule(filter, at, options)
  }

  /** Deletes jobs that have ended, with their errors, logs and steps. */
  async delete(filter: number | JobFilter): Promise<number> {
    return this.#ready(this.#operations).delete(filter)
  }

  /**
   * Changes a job that does not run: payload, queue, priority, … Resolves with `false` when there is none.
   *
   * @throws OptionsError `HANDCAR_JOB_PAYLOAD`; StateError `HANDCAR_JOB_STATE` when it runs or has completed
   */
  async edit(id: number, edit: JobEdit): Promise<boolean> {
    return this.#ready(this.#operations).edit(id, edit)
  }

  /**
   * Waits until a queue, or all, has nothing that runs or could run now; what waits for its time does not count.
   *
   * @throws TimeoutError `HANDCAR_JOB_TIMEOUT`; the signal's reason
   */
  async drain(queue?: string, options?: DrainOptions): Promise<void> {
    return this.#ready(this.#operations).drain(queue, options)
  }

  /**
   * Keeps the jobs of a queue, or of a name, from being started, in all processes and over restarts, until `resume`. Resolves with
   * `false` when it was paused before.
   */
  async pause(target: PauseTarget): Promise<boolean> {
    return this.#ready(this.#operations).pause(target)
  }

  /** Lets the jobs of a queue, or of a name, be started again. Resolves with `false` when it was not paused. */
  async resume(target: PauseTarget): Promise<boolean> {
    return this.#ready(this.#operations).resume(target)
  }

  protected async open(): Promise<void> {
    const { database } = this.#engine
    if (database.get(selectTables) === undefined) {
      throw new StateError('HANDCAR_JOBS_TABLES', `The database ${database.path} has no tables for jobs`)
    }
    if (this.#begin === 'start') await this.work()
  }

  protected async close(timeout: number): Promise<void> {
    await this.#loops.stop(timeout)
  }

  #ready(): Engine
  #ready<Piece>(piece: Piece): Piece
  #ready(piece: unknown = this.#engine): unknown {
    if (this.state === 'started' || this.state === 'starting') return piece
    throw new StateError('HANDCAR_NOT_STARTED', `The jobs are not started (they are ${this.state})`)
  }

  #refuse<Result>(work: () => Promise<Result>): Promise<Result> {
    return refuse(this.#engine.database, work)
  }
}
