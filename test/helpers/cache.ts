import { Cache, type CacheOptions } from '../../src/cache/index.ts'
import { Database } from '../../src/database/index.ts'
import { FakeClock, temporaryDatabase } from '../../src/testing/index.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'

/** A started cache, with an app's database beside it. */
export interface CacheForTest extends AsyncDisposable {
  readonly cache: Cache
  readonly app: Database
  readonly database: Database
  readonly clock: FakeClock
  readonly logger: RecordingLogger
}

/** What a test may ask for beside the options of the cache. */
export interface CacheForTestOptions extends Partial<CacheOptions> {
  /** Path of the file of the cache. Default: in memory. */
  path?: string
  /** Path of the app's file. Default: in memory. */
  appPath?: string
}

/** Starts a cache whose time stands still until `clock` goes on; all of it ends with the block. */
export async function cacheForTest(options: CacheForTestOptions = {}): Promise<CacheForTest> {
  const { path = ':memory:', appPath = ':memory:', ...rest } = options
  const clock = new FakeClock()
  const logger = recordingLogger()
  const app = await temporaryDatabase({
    path: appPath,
    partMigrations: { cache: Cache.appMigrations },
    readers: false,
  })
  const database = new Database(Cache.databaseOptions(path, { logger }))
  const cache = new Cache({ database, app, clock, logger, ...rest })
  await cache.start()
  return {
    cache,
    app,
    database,
    clock,
    logger,
    async [Symbol.asyncDispose]() {
      await cache.stop({ timeout: 500 })
      await database.stop()
      await app.stop()
    },
  }
}
