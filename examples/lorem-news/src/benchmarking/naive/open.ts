import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { Kept } from '../../models/kept.ts'
import type { DatabaseMode } from '../../settings.ts'
import type { AppDatabase } from '../../database/index.ts'
import type { Schema } from '../../database/schema.ts'
import { NaiveDriver } from './driver.ts'
import { naiveModes } from './modes.ts'

/** Opens the app's database as most apps do, to be measured beside handcar. The file exists and is migrated. */
export function openNaive(path: string, name: Exclude<DatabaseMode, 'handcar'>): Omit<AppDatabase, 'live'> {
  const mode = naiveModes[name]
  const queries = new Kysely<Schema>({
    dialect: {
      createDriver: () => new NaiveDriver(path, mode),
      createAdapter: () => new PoolAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (database) => new SqliteIntrospector(database),
    },
  })
  return { queries, kept: new Kept(undefined), stop: () => queries.destroy() }
}

/** Several connections are open at once; without this Kysely would let one query wait for another. */
class PoolAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}
