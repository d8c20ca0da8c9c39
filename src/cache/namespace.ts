import type { Duration } from '../core/index.ts'
import type { EntryOptions } from './entries/entry-options.ts'
import type { FetchOptions } from './single-flight/fetch-options.ts'
import type { Factory, FactoryContext } from './single-flight/factory.ts'
import type { KeysOptions } from './key-list.ts'
import type { Store } from './store.ts'

/**
 * Keys of their own in a cache, with the same methods: what `cache.namespace('posts')` returns.
 *
 * Every method that meets a failure of the storage is a miss, or does nothing; only what the caller does wrong is thrown.
 */
export class Namespace {
  readonly #store: () => Store
  readonly #nested: (name: string) => Namespace

  /** @internal */
  constructor(store: () => Store, nested: (name: string) => Namespace) {
    this.#store = store
    this.#nested = nested
  }

  /**
   * The value of a key, or `undefined` when there is none that is fresh. It is the caller's own: changing it changes nothing else.
   *
   * @throws OptionsError `HANDCAR_CACHE_KEY`
   */
  get<Value = unknown>(key: string): Promise<Value | undefined> {
    return rejecting(() => this.#store().get(key)) as Promise<Value | undefined>
  }

  /** The values of many keys, with one look into the file; a key that has none is not in the map. */
  getMany<Value = unknown>(keys: readonly string[]): Promise<Map<string, Value>> {
    return rejecting(() => this.#store().getMany(keys)) as Promise<Map<string, Value>>
  }

  /** Whether there is a fresh value, which may be `undefined`. */
  has(key: string): Promise<boolean> {
    return rejecting(() => this.#store().has(key))
  }

  /**
   * Keeps a value: bytes, or anything that can be cloned. Resolves when other processes can see it; this one sees it at once.
   *
   * @throws OptionsError `HANDCAR_CACHE_KEY`, `HANDCAR_CACHE_VALUE`, `HANDCAR_CACHE_VALUE_TOO_LARGE`, `HANDCAR_CACHE_TAG`
   */
  async set(key: string, value: unknown, options?: EntryOptions): Promise<void> {
    await this.#store().set(key, value, options, false)
  }

  /** Keeps many values, in one transaction as far as they fit into one. */
  async setMany(
    entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
    options?: EntryOptions,
  ): Promise<void> {
    await this.#store().setMany(entries, options)
  }

  /** Keeps a value where there is none that is fresh. Resolves with whether it was kept. */
  setIfAbsent(key: string, value: unknown, options?: EntryOptions): Promise<boolean> {
    return rejecting(() => this.#store().set(key, value, options, true))
  }

  /** Ends a value. Resolves with whether there was one. */
  delete(key: string): Promise<boolean> {
    return rejecting(() => this.#store().delete(key))
  }

  /** Ends many values, in one transaction as far as they fit into one. Resolves with how many there were. */
  deleteMany(keys: readonly string[]): Promise<number> {
    return rejecting(() => this.#store().deleteMany(keys))
  }

  /**
   * Adds to a counter, in one statement, and resolves with what it is then. One that does not exist or has expired begins at 0 and gets the
   * ttl; another one keeps its end.
   *
   * @throws OptionsError `HANDCAR_CACHE_COUNTER` when the value is not a whole number, or would become too large for one
   */
  increment(key: string, by = 1, options?: { ttl?: Duration | null }): Promise<number> {
    return rejecting(() => this.#store().increment(key, by, options))
  }

  /** Takes from a counter, as {@link increment} adds to it. */
  decrement(key: string, by = 1, options?: { ttl?: Duration | null }): Promise<number> {
    return rejecting(() => this.#store().increment(key, -by, options))
  }

  /** Gives a value another time to live, from now on. Resolves with whether there was one. */
  touch(key: string, ttl: Duration | null): Promise<boolean> {
    return rejecting(() => this.#store().touch(key, ttl))
  }

  /** Ends everything here and in the namespaces below, at once; the room is given back afterwards. */
  clear(): Promise<void> {
    return rejecting(() => this.#store().clear())
  }

  /** Keys that have a fresh value, in the order of the file. It walks through the file: for people, not for programs. */
  keys(options?: KeysOptions): Promise<string[]> {
    return rejecting(() => this.#store().keys(options))
  }

  /**
   * The value of a key; when there is none that is fresh, what the factory makes. Of all that ask for it at the same time, in all
   * processes, one runs the factory and the others wait for it.
   *
   * @throws whatever the factory throws, when there is no stale value to fall back to
   * @throws TimeoutError `HANDCAR_CACHE_TIMEOUT`; StateError `HANDCAR_CACHE_DEADLOCK`
   */
  getOrSet<Value>(key: string, factory: (context: FactoryContext) => Value | Promise<Value>): Promise<Value>
  getOrSet<Value>(
    key: string,
    options: FetchOptions,
    factory: (context: FactoryContext) => Value | Promise<Value>,
  ): Promise<Value>
  getOrSet<Value>(
    key: string,
    optionsOrFactory: FetchOptions | Factory<Value>,
    factory?: Factory<Value>,
  ): Promise<Value> {
    return rejecting(() =>
      typeof optionsOrFactory === 'function'
        ? this.#store().getOrSet(key, undefined, optionsOrFactory)
        : this.#store().getOrSet(key, optionsOrFactory, factory!),
    ) as Promise<Value>
  }

  /** Keys of their own below this one; `clear()` here ends them too. */
  namespace(name: string): Namespace {
    return this.#nested(name)
  }
}

/** Turns what is thrown at once into a promise that rejects. */
function rejecting<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}
