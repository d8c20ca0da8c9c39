import type { Database } from './database.ts'
import { checksumOf } from './migration-status.ts'
import { readMigrationFiles } from './migration-files.ts'
import { appOwner, type Migration } from './migration.ts'
import { selectAllMigrations, selectMigrationsTable } from './sql.ts'

/** One migration, as the folder and the database see it. */
export interface ListedMigration {
  /** Who it belongs to: `app`, or a part of handcar. */
  owner: string
  name: string
  /**
   * `applied`; `pending`: the next start runs it; `changed`: applied, but the file is another one by now; `unknown`: applied,
   * but not in the folder. The last two keep an app from starting.
   */
  state: 'applied' | 'pending' | 'changed' | 'unknown'
  /** When it was applied, in milliseconds since 1970. */
  appliedAt?: number
}

interface Applied {
  owner: string
  name: string
  checksum: string
  applied_at: number
}

/**
 * Compares the migrations that a database has with those of the app's folder. Changes nothing.
 *
 * @param database A started one; `undefined` for one that does not exist yet.
 * @param folder The app's migrations; `undefined` when it has none.
 * @throws MigrationError `HANDCAR_MIGRATION_NAME`
 */
export async function listMigrations(
  database: Database | undefined,
  folder: string | undefined,
): Promise<ListedMigration[]> {
  const files = folder === undefined ? [] : await readMigrationFiles(folder)
  const applied = database?.get(selectMigrationsTable) ? database.all<Applied>(selectAllMigrations) : []
  const known = new Map(files.map((file) => [file.name, file]))
  const names = new Set(applied.filter(({ owner }) => owner === appOwner).map(({ name }) => name))
  return [
    ...applied.map((each) => statusOf(each, known.get(each.name))),
    ...files
      .filter(({ name }) => !names.has(name))
      .map(({ name }): ListedMigration => ({ owner: appOwner, name, state: 'pending' })),
  ]
}

function statusOf(
  { owner, name, checksum, applied_at }: Applied,
  file: Migration | undefined,
): ListedMigration {
  const isApp = owner === appOwner
  const fileState = file === undefined ? 'unknown' : checksumOf(file) === checksum ? 'applied' : 'changed'
  return { owner, name, state: isApp ? fileState : 'applied', appliedAt: applied_at }
}
