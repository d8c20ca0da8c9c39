import { existsSync } from 'node:fs'
import { partMigrations, type ResolvedConfig } from '../../app/index.ts'
import { Database, listMigrations, type ListedMigration } from '../../database/index.ts'

/** Lists the migrations of the app's folder and of its database, if it exists by now. Changes nothing. */
export async function readMigrations(config: ResolvedConfig): Promise<ListedMigration[]> {
  const { path, migrations } = config.database
  if (!existsSync(path)) return listMigrations(undefined, migrations, partMigrations)
  await using database = await openReadOnly(config)
  return await listMigrations(database, migrations, partMigrations)
}

/**
 * Opens the app's database for reading.
 *
 * @throws OptionsError `HANDCAR_DATABASE_PATH` when it does not exist
 */
export async function openReadOnly({ database: options }: ResolvedConfig): Promise<Database> {
  const database = new Database({ ...options, readOnly: true, readers: false, checkpointer: false })
  await database.start()
  return database
}
