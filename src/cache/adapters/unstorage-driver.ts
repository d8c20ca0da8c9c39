import { readOptions, type Duration } from '../../core/index.ts'
import type { Cache } from '../cache.ts'
import { checkCache } from '../check-cache.ts'
import type { Namespace } from '../namespace.ts'
import { readTtl } from '../options.ts'
import { allKeys } from './all-keys.ts'

/** Options of {@link unstorageDriver}. */
export interface UnstorageDriverOptions {
  /** How long items are kept for which nothing is said. Default: the option `ttl` of the cache. */
  ttl?: Duration | null
}

/** What is said about one item: how long it is kept, **in seconds**, and 0 for nothing, as the drivers of unstorage have it. */
interface ItemOptions {
  ttl?: number
}

/**
 * A driver of [unstorage](https://unstorage.unjs.io), so that what is written for it (Nitro, for example) keeps its items in the cache.
 *
 * ```ts
 * const storage = createStorage({ driver: unstorageDriver(cache.namespace('storage')) })
 * ```
 *
 * Give it a namespace: `storage.clear()` clears whatever it was given.
 *
 * @throws OptionsError
 */
export function unstorageDriver(cache: Cache | Namespace, options: UnstorageDriverOptions = {}) {
  checkCache('unstorageDriver', cache, 'getOrSet')
  const { ttl: usual } = readOptions('unstorageDriver', options, {
    ttl: (value: unknown, name: string) => (value === undefined ? undefined : readTtl(value, name)),
  })
  const keeping = (given: ItemOptions | undefined) => {
    const ttl = given?.ttl ? given.ttl * 1_000 : usual
    return ttl === undefined ? undefined : { ttl }
  }
  const get = async (key: string): Promise<unknown> => (await cache.get(key)) ?? null
  const set = (key: string, value: unknown, given?: ItemOptions): Promise<void> =>
    cache.set(key, value, keeping(given))
  return {
    name: 'handcar',
    options,
    getInstance: () => cache,
    hasItem: (key: string) => cache.has(key),
    getItem: get as (key: string) => Promise<string | null>,
    getItemRaw: get,
    async getItems(items: { key: string }[]): Promise<{ key: string; value: string | null }[]> {
      const found = await cache.getMany<string>(items.map(({ key }) => key))
      return items.map(({ key }) => ({ key, value: found.get(key) ?? null }))
    },
    setItem: set as (key: string, value: string, given?: ItemOptions) => Promise<void>,
    setItemRaw: set,
    async setItems(items: { key: string; value: string; options?: ItemOptions }[], given?: ItemOptions) {
      await Promise.all(items.map((item) => set(item.key, item.value, { ...given, ...item.options })))
    },
    async removeItem(key: string): Promise<void> {
      await cache.delete(key)
    },
    async getKeys(base: string | undefined): Promise<string[]> {
      const found: string[] = []
      for await (const keys of allKeys(cache, base ?? '')) found.push(...keys)
      return found
    },
    async clear(base: string | undefined): Promise<void> {
      if (base === undefined || base === '') return cache.clear()
      for await (const keys of allKeys(cache, base)) await cache.deleteMany(keys)
    },
  }
}
