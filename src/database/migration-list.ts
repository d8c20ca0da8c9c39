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
 * Compares the migrations that a database has with those of the app's folder and of the parts of handcar. Changes nothing.
 *
 * @param database A started one; `undefined` for one that does not exist yet.
 * @param folder The app's migrations; `undefined` when it has none.
 * @param parts Migrations of parts by their owners; those that the database has of other owners count as applied. Default: none.
 * @throws MigrationError `HANDCAR_MIGRATION_NAME`
 */
export async function listMigrations(
  database: Database | undefined,
  folder: string | undefined,
  parts: Readonly<Record<string, readonly Migration[]>> = {},
): Promise<ListedMigration[]> {
  const files = folder === undefined ? [] : await readMigrationFiles(folder)
  const applied = database?.get(selectMigrationsTable) ? database.all<Applied>(selectAllMigrations) : []
  // In the order in which a start runs them.
  const owners = Object.entries({ ...parts, [appOwner]: files })
  const known = new Map(
    owners.flatMap(([owner, migrations]) => migrations.map((each) => [keyOf(owner, each.name), each])),
  )
  const names = new Set(applied.map(({ owner, name }) => keyOf(owner, name)))
  const listed = new Set(owners.map(([owner]) => owner))
  return [
    ...applied.map((each) => statusOf(each, known.get(keyOf(each.owner, each.name)), listed)),
    ...owners.flatMap(([owner, migrations]) =>
      migrations
        .filter(({ name }) => !names.has(keyOf(owner, name)))
        .map(({ name }): ListedMigration => ({ owner, name, state: 'pending' })),
    ),
  ]
}

const keyOf = (owner: string, name: string): string => `${owner} ${name}`

function statusOf(
  { owner, name, checksum, applied_at }: Applied,
  known: Migration | undefined,
  listed: ReadonlySet<string>,
): ListedMigration {
  const compared = known === undefined ? 'unknown' : checksumOf(known) === checksum ? 'applied' : 'changed'
  return { owner, name, state: listed.has(owner) ? compared : 'applied', appliedAt: applied_at }
}
