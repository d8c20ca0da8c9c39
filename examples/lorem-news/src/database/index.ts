import type { Handcar } from 'handcar'
import { kysely } from 'handcar/kysely'
import type { Kysely } from 'kysely'
import type { Live } from '../live/live.tsx'
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
  /** Pages that are open. */
  readonly live: Live
  /** Closes what was opened for the app alone. */
  stop(): Promise<void>
}

/** The database that was chosen: handcar's, unless the app is being measured against something else on the same file. */
export async function openDatabase(
  { database, cache, realtime }: Pick<Handcar, 'database' | 'cache' | 'realtime'>,
  mode: DatabaseMode,
): Promise<AppDatabase> {
  // It has views, which can be imported when JSX is understood.
  const { Live } = await import('../live/live.tsx')
  if (mode === 'handcar') {
    const queries = kysely<Schema>(database)
    return { queries, kept: new Kept(cache), live: new Live(queries, realtime), stop: async () => {} }
  }
  const { openNaive } = await import('../benchmarking/naive/open.ts')
  const naive = openNaive(database.path, mode)
  return { ...naive, live: new Live(naive.queries, undefined) }
}
