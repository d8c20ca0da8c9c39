import { Redis } from 'ioredis'
import type { Place, Store, StoreMaker } from './store.ts'

/** ioredis with one connection. `maxBytes` counts from what the empty server takes; LRU decides, as a cache is set up. */
export const redis: StoreMaker = {
  async clear(place) {
    const client = new Redis({ ...place.redis! })
    await client.flushall()
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))![1])
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await client.config('SET', 'maxmemory', String(used + place.maxBytes))
    client.disconnect()
  },
  async open(place) {
    return new RedisStore(place)
  },
}

class RedisStore implements Store {
  readonly #client: Redis

  constructor({ redis, autoPipelining }: Place) {
    this.#client = new Redis({ ...redis!, enableAutoPipelining: autoPipelining })
  }

  get(key: string) {
    return this.#client.get(key)
  }

  set(key: string, value: string) {
    return this.#client.set(key, value)
  }

  async getOrSet(key: string, make: () => string) {
    const found = await this.#client.get(key)
    if (found !== null) return found
    const made = make()
    await this.#client.set(key, made)
    return made
  }

  increment = (key: string): unknown => this.#client.incr(key)

  async close(): Promise<void> {
    await this.#client.quit()
  }
}
