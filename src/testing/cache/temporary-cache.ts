import { Cache, type CacheOptions } from '../../cache/index.ts'
import { Database, type DatabaseOptions } from '../../database/index.ts'
import { FakeClock } from '../fake-clock.ts'
import { temporaryDatabase } from '../temporary-database.ts'

/** A cache for one test, and what it works with. */
export interface TemporaryCache extends AsyncDisposable {
  readonly cache: Cache
  /** The app's database, in whose transactions `cache.invalidate` takes part. */
  readonly database: Database
  readonly clock: FakeClock
}

/** Options of {@link temporaryCache}: those of `Cache`, and those of the app's database. */
export interface TemporaryCacheOptions extends Omit<CacheOptions, 'database' | 'app' | 'clock'> {
  /** Default: in memory, without the app's migrations. */
  database?: Partial<DatabaseOptions>
  /** Default: one that begins in 2026. */
  clock?: FakeClock
}

/**
 * A started cache beside a temporary database, both in memory, with a clock that stands still: values expire when the test moves it on.
 * All of it ends with the block.
 *
 * ```ts
 * await using context = await temporaryCache({ database: { migrations: 'db/migrations' } })
 * const { cache, database, clock } = context
 * ```
 */
export async function temporaryCache({
  database: databaseOptions = {},
  clock = new FakeClock(),
  ...options
}: TemporaryCacheOptions = {}): Promise<TemporaryCache> {
  const partMigrations = { cache: Cache.appMigrations, ...databaseOptions.partMigrations }
  const app = await temporaryDatabase({ ...databaseOptions, partMigrations })
  const cache = await started(app, () => {
    const database = new Database(Cache.databaseOptions(':memory:'))
    return new Cache({ ...options, database, app, clock })
  })
  return {
    cache,
    database: app,
    clock,
    async [Symbol.asyncDispose]() {
      await cache.stop({ timeout: 1_000 })
      await app.stop()
    },
  }
}

async function started(app: Database, make: () => Cache): Promise<Cache> {
  try {
    const cache = make()
    await cache.start()
    return cache
  } catch (error) {
    await app.stop()
    throw error
  }
}
