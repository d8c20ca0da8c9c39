import { Service, StateError } from '../core/index.ts'
import type { Migration } from '../database/index.ts'
import type { AnyJobDefinition, JobDefinition } from './definition/define-job.ts'
import { jobsTopic, type EndListener, type Engine, type Loop } from './engine.ts'
import type { EnqueueOptions } from './enqueue/enqueue-options.ts'
import { Enqueuer } from './enqueue/enqueuer.ts'
import type { JobHandle } from './enqueue/job-handle.ts'
import { migrations } from './migrations.ts'
import { resolveOptions, type JobsOptions } from './options.ts'
import { pauseQueue, resumeQueue, selectTables } from './sql.ts'
import type { Death } from './worker/rescue.ts'
import { readStats, type JobsStats } from './stats.ts'
import { Worker } from './worker/worker.ts'

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
  readonly #worker: Worker | undefined
  readonly #loops: readonly Loop[]
  readonly #begin: 'start' | 'later'
  #started: Loop[] = []
  #working: Promise<void> | undefined

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
    this.#begin = work?.begin ?? 'start'
    this.#worker = work === undefined ? undefined : new Worker(engine, work)
    this.#loops = this.#worker === undefined ? [] : [this.#worker]
  }

  /**
   * Adds jobs that can be enqueued and performed, before the start or while it runs; jobs that wait for them are performed.
   *
   * @throws OptionsError `HANDCAR_OPTION_INVALID` for a second definition of a name; then none is added
   */
  define(...definitions: readonly AnyJobDefinition[]): void {
    this.#engine.definitions.add(definitions, 'define')
    this.#worker?.look()
  }

  /**
   * Begins to perform, where the option `work` has `begin: 'later'`. Resolves when it has begun; a second call changes nothing, nor
   * does one where `work` is `false`.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  async work(): Promise<void> {
    this.#ready()
    await (this.#working ??= this.#startLoops())
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
    return this.#inOrder(() => this.#ready().enqueuer.enqueue(definition, payload, options))
  }

  /**
   * Enqueues any number of jobs, all or none, as `enqueue` does. Options are for all of them; a function gives each its own.
   */
  enqueueAll<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Promise<JobHandle<Result>[]> {
    return this.#inOrder(() => this.#ready().enqueuer.enqueueAll(definition, payloads, options))
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

  /** How many jobs there are and where they stand, counted now. */
  stats(): Promise<JobsStats> {
    return readStats(this.#ready(), this.#worker)
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
    if (this.#begin === 'start') await this.work()
  }

  protected async close(timeout: number): Promise<void> {
    const endAt = performance.now() + timeout
    await this.#working?.catch(() => {})
    this.#working = undefined
    for (const loop of this.#started.splice(0).toReversed())
      await loop.stop(Math.max(0, endAt - performance.now()))
  }

  async #startLoops(): Promise<void> {
    try {
      for (const loop of this.#loops) {
        await loop.start()
        this.#started.push(loop)
      }
    } catch (error) {
      this.#working = undefined
      for (const loop of this.#started.splice(0).toReversed()) await loop.stop(0)
      throw error
    }
  }

  #ready(): Engine {
    if (this.state === 'started' || this.state === 'starting') return this.#engine
    throw new StateError('HANDCAR_NOT_STARTED', `The jobs are not started (they are ${this.state})`)
  }

  /** What is refused at once throws inside a transaction, which it is to roll back, and rejects outside. */
  #inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return work()
    } catch (error) {
      if (this.state === 'started' && this.#engine.database.transaction !== undefined) throw error
      return Promise.reject(error)
    }
  }
}
