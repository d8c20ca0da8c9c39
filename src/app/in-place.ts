import { existsSync } from 'node:fs'
import type { InPlace } from '../backup/index.ts'
import { Cache } from '../cache/index.ts'
import { CorruptionError } from '../core/index.ts'
import { changeDatabase } from '../database/index.ts'
import { Jobs } from '../jobs/index.ts'
import { Realtime } from '../realtime/index.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/**
 * What is done when the database of an app goes back to an earlier state in its own place: what the parts need in the file, and an
 * empty cache. A value of the cache may have been made from rows that are not there any more, and nothing would ever end it.
 */
export function inPlaceOf({ cache }: Pick<ResolvedConfig, 'cache'>): InPlace {
  return {
    changes: [Jobs.afterRestore, Realtime.afterRestore, Cache.afterRestore],
    async beforeSwitch() {
      if (!existsSync(cache.path)) return
      try {
        await changeDatabase(cache.path, [Cache.clearing])
      } catch (error) {
        // The app sets a cache that is damaged aside when it starts.
        if (!(error instanceof CorruptionError)) throw error
      }
    },
  }
}
