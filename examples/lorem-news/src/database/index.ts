import type { Handcar } from 'handcar'
import { kysely } from 'handcar/kysely'
import type { Kysely } from 'kysely'
import { Kept } from '../models/kept.ts'
import type { DatabaseMode } from '../settings.ts'
import type { Schema } from './schema.ts'

/** Queries over the app's tables; a transaction is one too, so that every query can run inside one. */
export type Queries = Kysely<Schema>

/** The database, as the routes see it. */
export interface AppDatabase {
  readonly queries: Queries
  /** Pieces of pages that were made before. */
  readonly kept: Kept
  /** Closes what was opened for the app alone. */
  stop(): Promise<void>
}

/** The database that was chosen: handcar's, unless the app is being measured against something else on the same file. */
export async function openDatabase(
  { database, cache }: Pick<Handcar, 'database' | 'cache'>,
  mode: DatabaseMode,
): Promise<AppDatabase> {
  if (mode === 'handcar') {
    return { queries: kysely<Schema>(database), kept: new Kept(cache), stop: async () => {} }
  }
  const { openNaive } = await import('../benchmarking/naive/open.ts')
  return openNaive(database.path, mode)
}
