import { option, OptionsError, Service, StateError } from '../core/index.ts'
import type { Migration } from '../database/index.ts'
import { JobDefinition, type AnyJobDefinition } from './define-job.ts'
import { jobsTopic, type EndListener, type Engine, type Loop } from './engine.ts'
import { Enqueuer, type EnqueueOptions } from './enqueuer.ts'
import { JobHandle } from './job-handle.ts'
import { migrations } from './migrations.ts'
import { resolveOptions, type JobsOptions } from './options.ts'
import { pauseQueue, resumeQueue, selectTables } from './sql.ts'
import { Worker } from './worker.ts'

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
  /** The tables of the part: `new Database({ partMigrations: { jobs: Jobs.migrations } })`. */
  static readonly migrations: readonly Migration[] = migrations

  readonly #engine: Engine
  readonly #loops: readonly Loop[]
  #started: Loop[] = []

  /**
   * Checks the options; opens nothing.
   *
   * @throws OptionsError
   */
  constructor(options: JobsOptions) {
    const { work, stopTimeout, ...resolved } = resolveOptions(options)
    super(stopTimeout)
    const engine = { ...resolved, endListeners: [] as EndListener[] } as unknown as Engine & {
      enqueuer: Enqueuer
    }
    engine.enqueuer = new Enqueuer(engine)
    this.#engine = engine
    this.#loops = work === undefined ? [] : [new Worker(engine, work)]
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
    const { enqueuer } = this.#engine
    return this.#insert(
      () => enqueuer.prepare(this.#known(definition), payload, options),
      (row, tx) => new JobHandle<Result>(this.#engine, enqueuer.insert(tx, row)),
    )
  }

  /**
   * Enqueues any number of jobs, all or none, as `enqueue` does. Options are for all of them; a function gives each its own.
   */
  enqueueAll<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Promise<JobHandle<Result>[]> {
    const { enqueuer } = this.#engine
    return this.#insert(
      () => enqueuer.prepareAll(this.#known(definition), payloads, options),
      (batch, tx) => batch(tx).map((each) => new JobHandle<Result>(this.#engine, each)),
    )
  }

  /** Keeps the jobs of a queue from being started, in all processes and over restarts, until `resume`. */
  async pause(queue: string): Promise<void> {
    const { database, clock } = this.#ready()
    await database.write((tx) => {
      tx.run(pauseQueue, [queue, clock.now()])
    })
  }

  /** Lets the jobs of a queue be started again. */
  async resume(queue: string): Promise<void> {
    await this.#ready().database.write((tx) => {
      tx.run(resumeQueue, [queue])
      tx.touch(jobsTopic)
    })
  }

  protected async open(): Promise<void> {
    const { database } = this.#engine
    if (database.get(selectTables) === undefined) {
      throw new StateError('HANDCAR_JOBS_TABLES', `The database ${database.path} has no tables for jobs`)
    }
    try {
      for (const loop of this.#loops) {
        await loop.start()
        this.#started.push(loop)
      }
    } catch (error) {
      await this.close(0)
      throw error
    }
  }

  protected async close(timeout: number): Promise<void> {
    const endAt = performance.now() + timeout
    for (const loop of this.#started.splice(0).reverse())
      await loop.stop(Math.max(0, endAt - performance.now()))
  }

  #ready(): Engine {
    if (this.state === 'started' || this.state === 'starting') return this.#engine
    throw new StateError('HANDCAR_NOT_STARTED', `The jobs are not started (they are ${this.state})`)
  }

  #known(definition: unknown): AnyJobDefinition {
    const known = this.#engine.definitions.get((definition as AnyJobDefinition | null)?.name ?? '')
    if (known !== undefined && known === definition) return known
    if (!(definition instanceof JobDefinition))
      throw option.invalidOption('enqueue job', 'what defineJob returns', definition)
    throw new OptionsError(
      'HANDCAR_JOB_UNKNOWN',
      `The job "${definition.name}" is not one of the definitions of these Jobs`,
    )
  }

  /** Prepares rows, and inserts them: now, inside the open transaction, or in one of its own. */
  #insert<Row, Inserted>(
    prepare: () => Row | Promise<Row>,
    insert: (row: Row, tx: Parameters<Enqueuer['insert']>[0]) => Inserted,
  ): Promise<Inserted> {
    const { database } = this.#engine
    try {
      this.#ready()
    } catch (error) {
      return Promise.reject(error)
    }
    const tx = database.transaction
    if (tx !== undefined) {
      const prepared = prepare()
      return prepared instanceof Promise
        ? prepared.then((row) => insert(row, tx))
        : Promise.resolve(insert(prepared, tx))
    }
    try {
      const prepared = prepare()
      return prepared instanceof Promise
        ? prepared.then((row) => database.write((tx) => insert(row, tx)))
        : database.write((tx) => insert(prepared, tx))
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
