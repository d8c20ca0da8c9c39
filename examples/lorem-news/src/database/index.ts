import type { Kysely } from 'kysely'
import type { Configuration } from '../configuration.ts'
import { coordinateHandcar, openHandcar } from './handcar.ts'
import type { Schema } from './schema.ts'

/** Queries over the app's tables; a transaction is one too, so that every query can run inside one. */
export type Queries = Kysely<Schema>

/** An open database, as the routes see it. */
export interface AppDatabase {
  readonly queries: Queries
  /** What a crash or a power cut can take back after a write was acknowledged, in words. */
  readonly durability: string
  /** Finishes what was begun and closes the file. */
  stop(): Promise<void>
}

/** Opens the database that was chosen: handcar, unless the app is being measured against something else. */
export async function openDatabase(configuration: Configuration): Promise<AppDatabase> {
  if (configuration.databaseMode === 'handcar') return openHandcar(configuration)
  const { openNaive } = await import('../benchmarking/naive/open.ts')
  return openNaive(configuration)
}

/** Serves the processes that share the database, from one that does not open it. The naive modes have nothing like it. */
export async function coordinate(configuration: Configuration): Promise<Pick<AppDatabase, 'stop'>> {
  return configuration.databaseMode === 'handcar'
    ? coordinateHandcar(configuration)
    : { stop: async () => {} }
}
