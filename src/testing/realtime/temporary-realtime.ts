import type { Database, DatabaseOptions } from '../../database/index.ts'
import { Realtime, type RealtimeOptions } from '../../realtime/index.ts'
import { FakeClock } from '../fake-clock.ts'
import { temporaryDatabase } from '../temporary-database.ts'

/** Realtime for one test, and what it works with. */
export interface TemporaryRealtime extends AsyncDisposable {
  readonly realtime: Realtime
  readonly database: Database
  readonly clock: FakeClock
}

/** Options of {@link temporaryRealtime}: those of `Realtime`, and those of the database. */
export interface TemporaryRealtimeOptions extends Omit<RealtimeOptions, 'database' | 'clock'> {
  /** Default: in memory, without the app's migrations. */
  database?: Partial<DatabaseOptions>
  /** Default: one that begins in 2026. */
  clock?: FakeClock
}

/**
 * Started realtime on a temporary database, with a clock that stands still: messages are delivered as in production, what depends on
 * time happens when the test moves the clock on. All of it ends with the block.
 *
 * ```ts
 * await using context = await temporaryRealtime({ channels: [room], database: { migrations: 'db/migrations' } })
 * const { realtime, database, clock } = context
 * ```
 */
export async function temporaryRealtime({
  database: databaseOptions = {},
  clock = new FakeClock(),
  ...options
}: TemporaryRealtimeOptions = {}): Promise<TemporaryRealtime> {
  const partMigrations = { realtime: Realtime.migrations, ...databaseOptions.partMigrations }
  const database = await temporaryDatabase({ ...databaseOptions, partMigrations })
  const realtime = await started(database, { relay: false, ...options, database, clock })
  return {
    realtime,
    database,
    clock,
    async [Symbol.asyncDispose]() {
      await realtime.stop({ timeout: 1_000 })
      await database.stop()
    },
  }
}

async function started(database: Database, options: RealtimeOptions): Promise<Realtime> {
  try {
    const realtime = new Realtime(options)
    await realtime.start()
    return realtime
  } catch (error) {
    await database.stop()
    throw error
  }
}
