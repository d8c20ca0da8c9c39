import { bentocache } from './bentocache.ts'
import { handcar } from './handcar.ts'
import { keyv } from './keyv.ts'
import { lruCache } from './lru-cache.ts'
import { redis } from './redis.ts'
import type { StoreMaker, System } from './store.ts'

/** How each system is opened. */
export const makers: Readonly<Record<System, StoreMaker>> = {
  handcar,
  Redis: redis,
  'lru-cache': lruCache,
  Keyv: keyv,
  bentocache,
}
