import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MigrationError } from '../core/index.ts'
import type { Migration } from './migration.ts'

const namePattern = /^\d{8,17}_[a-z0-9_-]+\.sql$/i

/**
 * Reads the app's migrations from a folder, in the order of their names. Other files than `.sql` are left alone.
 *
 * @throws MigrationError `HANDCAR_MIGRATION_NAME` for a missing folder, or a file not named `<timestamp>_<name>.sql`
 */
export async function readMigrationFiles(folder: string): Promise<Migration[]> {
  const files = (await listFolder(folder)).filter((file) => file.endsWith('.sql')).sort()
  const misnamed = files.find((file) => !namePattern.test(file))
  if (misnamed) {
    throw new MigrationError(
      'HANDCAR_MIGRATION_NAME',
      `Expected <timestamp>_<name>.sql, got ${misnamed} in ${folder}`,
    )
  }
  return Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.sql'.length),
      sql: await readFile(join(folder, file), 'utf8'),
    })),
  )
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    throw new MigrationError('HANDCAR_MIGRATION_NAME', `The folder of migrations cannot be read: ${folder}`, {
      cause,
      fix: 'Create the folder, or correct the option `migrations`.',
    })
  }
}
