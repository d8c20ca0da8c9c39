export { Cache } from './cache.ts'
export type { EntryOptions } from './entries/entry-options.ts'
export type { ErrorMessage, EvictMessage, FillMessage, ReadMessage } from './events.ts'
export { Namespace } from './namespace.ts'
export {
  resolveSettings as resolveCacheSettings,
  type CacheOptions,
  type CacheSettings,
  type MemoryOptions,
} from './options.ts'
export type { FetchOptions } from './single-flight/fetch-options.ts'
export type { FactoryContext } from './single-flight/flight.ts'
export type { CacheStats, HereStats } from './stats/stats.ts'
export type { KeysOptions } from './store.ts'
