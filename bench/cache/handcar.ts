import { Cache } from 'handcar/cache'
import { Database } from 'handcar/database'
import { removeFiles } from './files.ts'
import type { Kept, StoreMaker } from './store.ts'

/** `handcar/cache` at its defaults, or without its layer in memory. */
export const handcar: StoreMaker = {
  clear: removeFiles,
  async open({ path, maxBytes, hasMemory }) {
    const cache = new Cache({
      database: new Database(Cache.databaseOptions(path)),
      maxBytes,
      ...(!hasMemory && { memory: false as const }),
    })
    await cache.start()
    return {
      get: (key) => cache.get<Kept>(key),
      set: (key, value) => cache.set(key, value),
      getOrSet: (key, make) => cache.getOrSet(key, make),
      increment: (key) => cache.increment(key),
      bytes: () => cache.stats().bytes,
      async close() {
        const { errors } = cache.stats()
        await cache.stop()
        if (errors > 0) throw new Error(`${errors} calls of the cache failed`)
      },
    }
  },
}
