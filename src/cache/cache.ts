import { option, OptionsError, Service, StateError, type Duration } from '../core/index.ts'
import type { DatabaseOptions, FileChange, Migration } from '../database/index.ts'
import { Engine } from './engine.ts'
import { checkTag, type EntryOptions, type Keeping } from './entries/entry-options.ts'
import { isDamage, isMistake, codeOf } from './faults/errors.ts'
import { assertNamedAsDatabase, setFileAside } from './faults/reopen.ts'
import type { Lock } from './limits/lock.ts'
import { Locks, type LockOptions } from './limits/locks.ts'
import type { Store as LimitStore } from './limits/place.ts'
import { endAllLocks } from './limits/sql.ts'
import { RateLimits, type RateLimitOptions, type RateLimitResult } from './limits/rate-limits.ts'
import type { KeysOptions } from './key-list.ts'
import { migrations, tagMigrations } from './migrations.ts'
import { Namespace } from './namespace.ts'
import { resolveOptions, type CacheOptions, type ResolvedOptions } from './options.ts'
import type { FetchOptions } from './single-flight/fetch-options.ts'
import type { Factory, FactoryContext } from './single-flight/factory.ts'
import { rootName, separator } from './spaces/space.ts'
import { clearAll, forgetSpaces, selectTables, selectTagTable } from './sql.ts'
import { readHere, readStats, type CacheStats, type HereStats } from './stats/stats.ts'
import { Store } from './store.ts'

/**
 * A cache in a file beside the app's, right across processes.
 *
 * ```ts
 * const cache = new Cache({ database: new Database(Cache.databaseOptions('data/cache.sqlite3')), app: database })
 * await cache.start()
 * const page = await cache.getOrSet('front', { ttl: '1m', tags: ['posts'] }, () => render())
 * await database.write((tx) => {
 *   tx.run(sql`update posts …`)
 *   void cache.invalidate('posts') // takes effect at the commit, in every process
 * })
 * ```
 *
 * How and why: `docs/parts/cache.md`.
 */
export class Cache extends Service {
  /** The tables of the cache's own file. */
  static readonly migrations: readonly Migration[] = migrations

  /** The table of the versions of tags, for the app's file: `partMigrations: { cache: Cache.appMigrations }`. */
  static readonly appMigrations: readonly Migration[] = tagMigrations

  /** For the app's file when it has gone back to an earlier state, before it is opened: nobody holds a lock. Limits are those of then. */
  static readonly afterRestore: FileChange = { table: 'handcar_cache_locks', statements: [endAllLocks] }

  /** For the cache's own file, while nobody has it open: ends all values. */
  static readonly clearing: FileChange = {
    table: 'handcar_cache_spaces',
    statements: [clearAll, forgetSpaces],
  }

  /**
   * The options of the database that a cache needs: a file of its own that may be lost, so that a write is done when the system has it.
   * Its pages are of 1 kB, which suits entries below some 5 kB; for larger ones say `pragmas: { page_size: 4096 }`.
   *
   * @param path Path of the file.
   * @param options More options, or other ones.
   */
  static databaseOptions(path: string, options: Partial<DatabaseOptions> = {}): DatabaseOptions {
    return {
      path,
      durability: 'os',
      readers: false,
      wakeOn: 'topics',
      // As many bytes as an app's file: its pages are four times as large.
      checkpointer: { passiveFrames: 2_000, restartFrames: 16_000 },
      ...options,
      pragmas: { page_size: 1_024, auto_vacuum: 'incremental', ...options.pragmas },
      partMigrations: { ...options.partMigrations, cache: migrations, cacheTags: tagMigrations },
    }
  }

  readonly #engine: Engine
  readonly #defaults: Keeping
  readonly #root: Namespace
  readonly #rateLimits: RateLimits
  readonly #locks: Locks
  #hasStartedDatabase = false
  #leave: (() => void) | undefined
  #retry: NodeJS.Timeout | undefined
  #retrying: Promise<void> | undefined
  readonly #isRequired: boolean

  /**
   * Checks the options; opens nothing.
   *
   * @throws OptionsError
   */
  constructor(options: CacheOptions) {
    const resolved: ResolvedOptions = resolveOptions(options)
    super(resolved.stopTimeout)
    this.#engine = new Engine(resolved)
    this.#isRequired = resolved.required
    this.#defaults = { ttl: resolved.ttl, grace: 0, tags: [] }
    this.#root = this.#namespace(rootName)
    this.#rateLimits = new RateLimits(this.#engine)
    this.#locks = new Locks(this.#engine)
  }

  /** See {@link Namespace.get}. */
  get<Value = unknown>(key: string): Promise<Value | undefined> {
    return this.#root.get<Value>(key)
  }

  /** See {@link Namespace.getMany}. */
  getMany<Value = unknown>(keys: readonly string[]): Promise<Map<string, Value>> {
    return this.#root.getMany<Value>(keys)
  }

  /** See {@link Namespace.has}. */
  has(key: string): Promise<boolean> {
    return this.#root.has(key)
  }

  /** See {@link Namespace.set}. */
  set(key: string, value: unknown, options?: EntryOptions): Promise<void> {
    return this.#root.set(key, value, options)
  }

  /** See {@link Namespace.setMany}. */
  setMany(
    entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
    options?: EntryOptions,
  ): Promise<void> {
    return this.#root.setMany(entries, options)
  }

  /** See {@link Namespace.setIfAbsent}. */
  setIfAbsent(key: string, value: unknown, options?: EntryOptions): Promise<boolean> {
    return this.#root.setIfAbsent(key, value, options)
  }

  /** See {@link Namespace.delete}. */
  delete(key: string): Promise<boolean> {
    return this.#root.delete(key)
  }

  /** See {@link Namespace.deleteMany}. */
  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#root.deleteMany(keys)
  }

  /** See {@link Namespace.increment}. */
  increment(key: string, by?: number, options?: { ttl?: Duration | null }): Promise<number> {
    return this.#root.increment(key, by, options)
  }

  /** See {@link Namespace.decrement}. */
  decrement(key: string, by?: number, options?: { ttl?: Duration | null }): Promise<number> {
    return this.#root.decrement(key, by, options)
  }

  /** See {@link Namespace.touch}. */
  touch(key: string, ttl: Duration | null): Promise<boolean> {
    return this.#root.touch(key, ttl)
  }

  /** Ends everything, also in all namespaces, at once; the room is given back afterwards. */
  clear(): Promise<void> {
    return this.#root.clear()
  }

  /** See {@link Namespace.keys}. */
  keys(options?: KeysOptions): Promise<string[]> {
    return this.#root.keys(options)
  }

  /** See {@link Namespace.getOrSet}. */
  getOrSet<Value>(key: string, factory: (context: FactoryContext) => Value | Promise<Value>): Promise<Value>
  getOrSet<Value>(
    key: string,
    options: FetchOptions,
    factory: (context: FactoryContext) => Value | Promise<Value>,
  ): Promise<Value>
  getOrSet<Value>(
    key: string,
    options: FetchOptions | Factory<Value>,
    factory?: Factory<Value>,
  ): Promise<Value> {
    return this.#root.getOrSet(key, options as FetchOptions, factory!)
  }

  /** Keys of their own, with the same methods. */
  namespace(name: string): Namespace {
    return this.#root.namespace(name)
  }

  /**
   * Ends all entries that have one of the tags, in all processes. Inside a body of the app's `database.write` it is part of that
   * transaction: it takes effect at the commit, and not at all when the transaction is rolled back. Elsewhere it is a write of its own.
   *
   * It throws when it fails, other than the rest of the cache: whoever relies on it has to know.
   *
   * @throws OptionsError `HANDCAR_CACHE_TAG`; what `database.write` throws
   */
  invalidate(...tags: string[]): Promise<void> {
    try {
      tags.forEach(checkTag)
      return tags.length === 0 ? Promise.resolve() : this.#ready().tags.invalidate(tags)
    } catch (error) {
      // Inside a transaction it throws at once, so that the transaction rolls back.
      const { app } = this.#engine
      if (app?.state === 'started' && app.transaction !== undefined) throw error
      return Promise.reject(error)
    }
  }

  /**
   * Takes from a limit, for all processes; what is refused takes nothing. While the storage of the cache fails, this process counts for
   * itself. With `store: 'app'` what is taken is part of the app's transaction, and storage failures are thrown.
   *
   * @throws OptionsError
   */
  async rateLimit(key: string, options: RateLimitOptions): Promise<RateLimitResult> {
    this.#ready()
    return this.#rateLimits.take(key, options)
  }

  /**
   * Forgets what was taken of a key, with all of its limits.
   *
   * @param options.store Where it is kept. Default: `'cache'`.
   */
  async resetRateLimit(key: string, options?: { store?: LimitStore }): Promise<void> {
    this.#ready()
    await this.#rateLimits.reset(key, options)
  }

  /**
   * Takes a lock that one process at a time holds, or one place of it; `undefined` when somebody else holds it for as long as `wait`, and
   * where the storage of the cache fails. It ends with its process, however that ends.
   *
   * @throws OptionsError; the reason of `signal`
   */
  async lock(key: string, options?: LockOptions): Promise<Lock | undefined> {
    this.#ready()
    return this.#locks.take(key, options)
  }

  /** What the cache has done in this process, and how full its file is. */
  stats(): CacheStats {
    return readStats(this.#ready())
  }

  /** What the cache has done in this process, without a look at the file; `undefined` while it is not started. */
  get here(): HereStats | undefined {
    return this.state === 'started' ? readHere(this.#engine) : undefined
  }

  protected async open(): Promise<void> {
    const { app, tags } = this.#engine
    if (app !== undefined && app.get(selectTagTable) === undefined) throw noTables(app.path, 'appMigrations')
    await this.#openFile()
    if (app !== undefined) tags.start()
    this.#leave = this.#engine.changes.join(this.#engine.database)
  }

  protected async close(timeout: number): Promise<void> {
    const { flights, leases, writes, sweeper, tags, faults, database } = this.#engine
    clearTimeout(this.#retry)
    this.#retry = undefined
    await this.#retrying
    await flights.stop(timeout)
    await this.#locks.stop()
    await leases.stop()
    await sweeper.stop()
    await writes.settled()
    await faults.stop()
    tags.stop()
    this.#leave?.()
    this.#engine.forget()
    if (this.#hasStartedDatabase) await database.stop()
    this.#hasStartedDatabase = false
  }

  /** Opens the file; one that is damaged is set aside, and without room for one the cache waits until there is some. */
  async #openFile(): Promise<void> {
    const { database, faults, leases, sweeper } = this.#engine
    try {
      if (database.state !== 'started') {
        await this.#startDatabase()
        this.#hasStartedDatabase = true
      }
      if (database.get(selectTables) === undefined) throw noTables(database.path, 'databaseOptions(path)')
      await this.#engine.storageIsNew()
      await faults.opened()
      await leases.start()
      sweeper.start()
    } catch (error) {
      if (this.#hasStartedDatabase) await database.stop()
      this.#hasStartedDatabase = false
      if (this.#isRequired && (isMistake(error) || codeOf(error) === '')) throw error
      faults.report('repair', error)
      this.#openLater()
    }
  }

  /** The app does without meanwhile. What went wrong was logged, and is once a minute. */
  #openLater(): void {
    if (this.state === 'stopping') return
    const timer = setTimeout(() => {
      this.#retrying = this.#openFile()
        .catch(() => this.#openLater())
        .finally(() => (this.#retrying = undefined))
    }, retryDelay)
    this.#retry = timer.unref()
  }

  async #startDatabase(): Promise<void> {
    const { database, logger } = this.#engine
    try {
      await database.start()
    } catch (error) {
      if (!isDamage(codeOf(error))) throw error
      assertNamedAsDatabase(database.path)
      const setAside = setFileAside(database.path, undefined)
      logger.error({ path: database.path, setAside }, 'the file of the cache was damaged and begun anew')
      await database.start()
    }
  }

  #namespace(name: string): Namespace {
    const space = this.#engine.spaces.of(name)
    const store = new Store(this.#engine, space, this.#defaults)
    return new Namespace(
      () => {
        this.#ready()
        return store
      },
      (nested) => this.#namespace(nestedName(name, nested)),
    )
  }

  #ready(): Engine {
    if (this.state === 'started') return this.#engine
    throw new StateError('HANDCAR_NOT_STARTED', `The cache is not started (it is ${this.state})`)
  }
}

/** How long after a failure the file is opened again, in milliseconds. */
const retryDelay = 1_000

function nestedName(outer: string, name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.includes(separator) || !name.isWellFormed())
    throw option.invalidOption('cache.namespace name', `a text without "${separator}"`, name)
  const whole = outer === rootName ? name : outer + separator + name
  if (whole.length <= 200) return whole
  throw new OptionsError('HANDCAR_OPTION_INVALID', 'Expected names of namespaces of 200 characters at most')
}

function noTables(path: string, what: string): StateError {
  return new StateError('HANDCAR_CACHE_TABLES', `The database ${path} lacks tables: see Cache.${what}`)
}
