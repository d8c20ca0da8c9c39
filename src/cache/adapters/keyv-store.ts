import type { Cache } from '../cache.ts'
import { checkCache } from '../check-cache.ts'
import type { Namespace } from '../namespace.ts'
import { allKeys } from './all-keys.ts'

/**
 * A store of [Keyv](https://keyv.org), 5 and 6, so that what is written for Keyv keeps its values in the cache.
 *
 * ```ts
 * const keyv = new Keyv({ store: new KeyvStore(cache), namespace: 'sessions' })
 * ```
 *
 * The namespace of Keyv is one of the cache, and its `clear()` costs the same however much is in it. Each `Keyv` needs a store of its own: it
 * tells the store its namespace. Without a ttl, entries have the one of the cache. When the storage fails, values are missing, as everywhere in
 * the cache, and Keyv sends no `error`.
 */
export class KeyvStore {
  /** Keyv 5 iterates only over stores of databases that it knows. */
  readonly opts = { dialect: 'sqlite', url: '' }
  readonly #cache: Cache | Namespace
  #namespace: string | undefined
  #entries: Cache | Namespace

  /** @throws OptionsError */
  constructor(cache: Cache | Namespace) {
    checkCache('KeyvStore', cache, 'getOrSet')
    this.#cache = cache
    this.#entries = cache
  }

  /** Set by Keyv. */
  get namespace(): string | undefined {
    return this.#namespace
  }

  set namespace(name: string | undefined) {
    this.#namespace = name
    this.#entries = name === undefined || name === '' ? this.#cache : this.#cache.namespace(name)
  }

  async get<Value = unknown>(key: string): Promise<Value | undefined> {
    return this.#entries.get<Value>(key)
  }

  async getMany<Value = unknown>(keys: string[]): Promise<(Value | undefined)[]> {
    const found = await this.#entries.getMany<Value>(keys)
    return keys.map((key) => found.get(key))
  }

  async has(key: string): Promise<boolean> {
    return this.#entries.has(key)
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.#entries.has(key)))
  }

  /** @param ttl In milliseconds; 0 counts as none, as in Keyv. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#entries.set(key, value, ttl ? { ttl } : undefined)
    return true
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<boolean[]> {
    return Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)))
  }

  async delete(key: string): Promise<boolean> {
    return this.#entries.delete(key)
  }

  /** Resolves with whether one of them was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#entries.deleteMany(keys)) > 0
  }

  /** Clears the namespace; without one everything that the store was given. */
  async clear(): Promise<void> {
    await this.#entries.clear()
  }

  /** Keys and values, some at a time; what is written meanwhile may be in it or not. */
  async *iterator(): AsyncGenerator<[key: string, value: unknown]> {
    const entries = this.#entries
    for await (const keys of allKeys(entries, '')) yield* await entries.getMany(keys)
  }

  /** Does nothing: the cache is stopped by whoever started it. */
  async disconnect(): Promise<void> {}
}
