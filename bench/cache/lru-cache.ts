import { LRUCache } from 'lru-cache'
import type { Kept, Place, Store, StoreMaker } from './store.ts'

/** lru-cache, bounded by bytes. It lives in the memory of one process: nothing is shared, nothing survives. */
export const lruCache: StoreMaker = {
  async clear() {},
  async open(place) {
    const store = inMemory(place)
    return place.isAwaited ? behindPromises(store) : store
  },
}

function inMemory({ maxBytes }: Place): Store {
  const cache = new LRUCache<string, string | number>({
    maxSize: maxBytes,
    sizeCalculation: (value, key) => key.length + (typeof value === 'string' ? value.length : 8),
  })
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    getOrSet(key, make) {
      const found = cache.get(key)
      if (found !== undefined) return found
      const made = make()
      cache.set(key, made)
      return made
    },
    increment: (key) => void cache.set(key, Number(cache.get(key) ?? 0) + 1),
    close() {},
  }
}

/** As code has it that must not care where its cache lives. */
function behindPromises(store: Store): Store {
  return {
    get: async (key): Promise<Kept> => store.get(key),
    set: async (key, value) => store.set(key, value),
    getOrSet: async (key, make): Promise<Kept> => store.getOrSet(key, make),
    increment: async (key) => store.increment!(key),
    close() {},
  }
}
