import {
  clock as readClock,
  logger as readLogger,
  option,
  readOptions,
  Service,
  type Clock,
  type Logger,
  type StateError,
} from '../core/index.ts'
import { Cache } from '../cache/index.ts'
import { Database } from '../database/index.ts'
import { Jobs } from '../jobs/index.ts'
import { Realtime } from '../realtime/index.ts'
import type { Config } from './config.ts'
import { importChannels } from './channels-module.ts'
import { importJobs } from './jobs-module.ts'
import { createLogger } from './logger.ts'
import { partMigrations } from './part-migrations.ts'
import { resolveConfig, type ResolvedConfig } from './resolve-config.ts'
import { assertNotReserved, verificationJobs, verifySoon } from './verification.ts'

/** What a process is for. Only `web` and `jobs` do work of their own accord. */
export type Role = 'web' | 'jobs' | 'script'

/** Options of {@link Handcar}. */
export interface HandcarOptions {
  /** What the process is for. Default: `'script'`, which starts no loop that works. */
  role?: Role
  /**
   * Whether `start()` runs the migrations that are missing. Default: `false`: `handcar start`, `handcar reload` and
   * `handcar migrate` do it.
   */
  migrate?: boolean
  /** The clock of the jobs, the cache and realtime, for tests. Default: the machine's. */
  clock?: Clock
  /** Default: one on standard output, as the configuration says. */
  logger?: Logger
}

/** How parts say that the migrations have not run. */
const noTables = new Set<string | undefined>([
  'HANDCAR_JOBS_TABLES',
  'HANDCAR_CACHE_TABLES',
  'HANDCAR_REALTIME_TABLES',
])

interface Part {
  readonly name: string
  readonly part: Service
}

/**
 * The one place where the parts of an app meet. Constructing opens nothing; `start()` starts the parts in order, `stop()` stops
 * them in reverse.
 *
 * `handcar start` makes one in each process and hands it to the app. A script makes its own:
 *
 * ```ts
 * await using handcar = new Handcar(await loadConfig('.'))
 * await handcar.start()
 * ```
 */
export class Handcar extends Service {
  /** The configuration, complete. */
  readonly config: ResolvedConfig
  /** What the process is for. */
  readonly role: Role
  readonly logger: Logger
  /** The app's database. */
  readonly database: Database
  /**
   * The app's jobs, with the definitions of its jobs module. A script can enqueue them; they are performed in the processes that
   * `processes.jobs` says.
   */
  readonly jobs: Jobs
  /**
   * The app's cache, shared by all its processes. Without a file that can be used it is there all the same, and every read is a miss.
   */
  readonly cache: Cache
  /**
   * The app's channels, with the definitions of its channels module. Every process can publish; the web processes have the clients, if
   * there are channels.
   */
  readonly realtime: Realtime
  /** In the order in which they start. */
  readonly #parts: readonly Part[]
  #isDefined = false

  /**
   * Checks configuration and options; opens nothing.
   *
   * @param config As written, or resolved already by `loadConfig`. Relative paths of the first count from the current folder.
   * @throws OptionsError
   */
  constructor(config: Config | ResolvedConfig = {}, options: HandcarOptions = {}) {
    const { role, migrate, clock, logger } = readOptions('Handcar', options, {
      role: option.oneOf<Role>(['web', 'jobs', 'script'], 'script'),
      migrate: option.flag(false),
      clock: readClock,
      logger: option.optional(readLogger),
    })
    const resolved = 'origins' in config ? config : resolveConfig(config)
    super(resolved.processes.stopTimeout)
    this.config = resolved
    this.role = role
    this.logger = logger ?? createLogger(resolved.log)
    const { migrations, ...database } = resolved.database
    this.database = new Database({
      ...database,
      ...(migrate && { ...(migrations !== undefined && { migrations }), partMigrations }),
      logger: this.logger,
    })
    const { definitions: _definitions, work, ...jobs } = resolved.jobs
    this.jobs = new Jobs({
      ...jobs,
      database: this.database,
      clock,
      work: this.#performsJobs && { ...work, pace: work?.pace ?? 'half', begin: 'later' },
      logger: this.logger,
    })
    const { path, ...cache } = resolved.cache
    this.cache = new Cache({
      ...cache,
      database: new Database(
        Cache.databaseOptions(path, {
          logger: this.logger,
          ...(role === 'script' && { checkpointer: false }),
        }),
      ),
      required: false,
      app: this.database,
      clock,
      logger: this.logger,
    })
    const { channels: _channels, ...realtime } = resolved.realtime
    this.realtime = new Realtime({
      ...realtime,
      database: this.database,
      serve: role === 'web',
      clock,
      logger: this.logger,
    })
    this.#parts = [
      { name: 'database', part: this.database },
      { name: 'cache', part: this.cache },
      { name: 'realtime', part: this.realtime },
      { name: 'jobs', part: this.jobs },
    ]
  }

  /**
   * Begins to work, in a process that does: to perform jobs. Called when the app is ready, since jobs may need what it has made.
   * Idempotent; does nothing in a process that is not for that.
   */
  async work(): Promise<void> {
    if (!this.#performsJobs) return
    await this.jobs.work()
    await verifySoon(this.config, this.jobs, this.database)
  }

  get #performsJobs(): boolean {
    return this.role === 'jobs' || (this.role === 'web' && this.config.processes.jobs === 0)
  }

  /** Starts the parts in order. When one fails, those that were started are stopped. */
  protected async open(): Promise<void> {
    await this.#define()
    const started: Part[] = []
    try {
      for (const each of this.#parts) {
        await this.#startPart(each)
        started.push(each)
      }
    } catch (error) {
      await this.#stopAll(started, this.config.processes.stopTimeout)
      throw error
    }
  }

  /** Once: what was defined stays when it is stopped and started again. */
  async #define(): Promise<void> {
    if (this.#isDefined) return
    const [jobs, channels] = await Promise.all([
      importJobs(this.config.jobs),
      importChannels(this.config.realtime),
    ])
    assertNotReserved(jobs)
    this.jobs.define(...jobs, ...verificationJobs(this.config))
    this.realtime.define(channels)
    this.#isDefined = true
  }

  async #startPart({ name, part }: Part): Promise<void> {
    try {
      await part.start()
    } catch (error) {
      if (this.role !== 'script' || !noTables.has((error as Partial<StateError>).code)) throw error
      this.logger.info(
        { part: name },
        'The database has no tables for this part yet; `handcar migrate` makes them',
      )
    }
  }

  /** Stops the parts in reverse; one that fails does not keep the others from stopping. */
  protected async close(timeout: number): Promise<void> {
    await this.#stopAll(this.#parts, timeout)
  }

  async #stopAll(parts: readonly Part[], timeout: number): Promise<void> {
    const endAt = performance.now() + timeout
    for (const { name, part } of parts.toReversed()) {
      try {
        await part.stop({ timeout: Math.max(0, endAt - performance.now()) })
      } catch (error) {
        this.logger.error({ part: name, error }, 'a part could not be stopped in good order')
      }
    }
  }
}
