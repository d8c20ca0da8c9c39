import type { Database } from 'handcar/database'
import { kysely } from 'handcar/kysely'
import type { Kysely } from 'kysely'
import type { DatabaseMode } from '../settings.ts'
import type { Schema } from './schema.ts'

/** Queries over the app's tables; a transaction is one too, so that every query can run inside one. */
export type Queries = Kysely<Schema>

/** The database, as the routes see it. */
export interface AppDatabase {
  readonly queries: Queries
  /** Closes what was opened for the app alone. */
  stop(): Promise<void>
}

/** The database that was chosen: handcar's, unless the app is being measured against something else on the same file. */
export async function openDatabase(database: Database, mode: DatabaseMode): Promise<AppDatabase> {
  if (mode === 'handcar') return { queries: kysely<Schema>(database), stop: async () => {} }
  const { openNaive } = await import('../benchmarking/naive/open.ts')
  return openNaive(database.path, mode)
}
