import { createHash } from 'node:crypto'
import type { Inspector } from './inspector.ts'
import { readMigrationFiles } from './migration-files.ts'
import { appOwner, type Migration } from './migration.ts'
import { selectAllMigrations, selectMigrationsTable } from './sql.ts'

/** What a database remembers of a migration. */
export interface AppliedMigration {
  name: string
  checksum: string
}

/** How a list of migrations and a database fit together: names of migrations. */
export interface MigrationStatus {
  /** The next start runs them. */
  pending: string[]
  /** Applied, but not in the list. */
  unknown: string[]
  /** Applied, but different in the list by now. */
  changed: string[]
}

/** Compares what was applied with what there is. */
export function compareMigrations(
  applied: readonly AppliedMigration[],
  migrations: readonly Migration[],
): MigrationStatus {
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]))
  const known = new Set(migrations.map(({ name }) => name))
  const isChanged = (each: Migration): boolean =>
    checksums.has(each.name) && checksums.get(each.name) !== checksumOf(each)
  return {
    pending: migrations.filter(({ name }) => !checksums.has(name)).map(({ name }) => name),
    unknown: [...checksums.keys()].filter((name) => !known.has(name)),
    changed: migrations.filter(isChanged).map(({ name }) => name),
  }
}

/**
 * Compares the app's migrations in a folder with a database that may be in use.
 *
 * @throws MigrationError `HANDCAR_MIGRATION_NAME`; SQLite's errors
 */
export async function readMigrationStatus(inspector: Inspector, folder: string): Promise<MigrationStatus> {
  const migrations = await readMigrationFiles(folder)
  const hasTable = (await inspector.all(selectMigrationsTable)).length > 0
  const all = hasTable ? await inspector.all<AppliedMigration & { owner: string }>(selectAllMigrations) : []
  return compareMigrations(
    all.filter(({ owner }) => owner === appOwner),
    migrations,
  )
}

/** White space at the ends and the kind of line ends do not matter: editors and git change them. */
export function checksumOf({ sql }: Migration): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n').trim()).digest('hex')
}
