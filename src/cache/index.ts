export { KeyvStore } from './adapters/keyv-store.ts'
export { unstorageDriver, type UnstorageDriverOptions } from './adapters/unstorage-driver.ts'
export { Cache } from './cache.ts'
export type { EntryOptions } from './entries/entry-options.ts'
export type { ErrorMessage, EvictMessage, FillMessage, LimitMessage, ReadMessage } from './events.ts'
export { Lock } from './limits/lock.ts'
export type { LockOptions } from './limits/locks.ts'
export {
  rateLimitHeaders,
  rateLimitMiddleware,
  type RateLimitMiddlewareOptions,
} from './limits/middleware.ts'
export type { RateLimitOptions, RateLimitResult } from './limits/rate-limits.ts'
export { cacheFetch } from './http/cache-fetch.ts'
export { cachePages, type CachePagesOptions, type PageContext } from './http/cache-pages.ts'
export { fragment, type Html } from './http/fragment.ts'
export type { PageOptions } from './http/page-options.ts'
export { Namespace } from './namespace.ts'
export {
  resolveSettings as resolveCacheSettings,
  type CacheOptions,
  type CacheSettings,
  type MemoryOptions,
} from './options.ts'
export type { FetchOptions } from './single-flight/fetch-options.ts'
export type { FactoryContext } from './single-flight/factory.ts'
export type { CacheStats, HereStats } from './stats/stats.ts'
export type { KeysOptions } from './key-list.ts'
export { invalidateTags } from './tags/invalidate-tags.ts'
