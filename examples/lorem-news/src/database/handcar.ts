import { Coordinator, Database } from 'handcar/database'
import { kysely } from 'handcar/kysely'
import { databasePath, type Configuration } from '../configuration.ts'
import type { AppDatabase } from './index.ts'
import type { Schema } from './schema.ts'

const durabilities = {
  disk: 'disk: an acknowledged write is on disk and survives a power cut',
  os: 'os: an acknowledged write survives a crash of the process, not a power cut',
}

/** Opens the app's database: reads happen at once, writes wait for their turn without holding up the process. */
export async function openHandcar(configuration: Configuration): Promise<AppDatabase> {
  const { durability } = configuration
  const database = new Database({ path: databasePath(configuration), durability })
  await database.start()
  return {
    queries: kysely<Schema>(database),
    durability: durabilities[durability],
    stop: () => database.stop(),
  }
}

/** Lets several processes write one after the other, and moves what they wrote into the database file. */
export async function coordinateHandcar(configuration: Configuration): Promise<Coordinator> {
  const coordinator = new Coordinator({ path: databasePath(configuration) })
  await coordinator.start()
  return coordinator
}
