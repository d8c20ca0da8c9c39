import { Snapshots, type NewSnapshot } from '../backup/index.ts'
import { HandcarError, type Logger } from '../core/index.ts'
import { listMigrations } from '../database/index.ts'
import { inPlaceOf } from './in-place.ts'
import { openToRead } from './open-to-read.ts'
import { partMigrations } from './part-migrations.ts'
import { redSince } from './red-since.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** The snapshots of an app's database. Opens nothing. */
export function snapshotsOf({ database, backup, cache }: ResolvedConfig, logger?: Logger): Snapshots {
  return new Snapshots({
    path: database.path,
    keep: backup.snapshots.keep,
    inPlace: inPlaceOf({ cache }),
    redSince: () => redSince({ database }, logger),
    ...(database.extensions && { extensions: database.extensions }),
    ...(logger && { logger }),
  })
}

/**
 * Makes a snapshot of the database when migrations are about to change it. A database that does not exist or is empty gets none,
 * and neither does one whose migrations will be refused anyway. When the snapshot cannot be made nothing is migrated.
 *
 * What the release before writes between the snapshot and the migration is not in it.
 *
 * @returns the snapshot; `undefined` when there was no need
 * @throws HandcarError `HANDCAR_DISK_FULL` and the others of `Snapshots.create`
 */
export async function snapshotBeforeMigrations(
  config: ResolvedConfig,
  { logger, progress = () => {} }: { logger: Logger; progress?: (message: string) => void },
): Promise<NewSnapshot | undefined> {
  if (!config.backup.snapshots.beforeMigrations) return undefined
  const pending = await pendingMigrations(config, logger)
  if (pending.length === 0) return undefined
  progress(`making a snapshot before ${pending.length} migration${pending.length === 1 ? '' : 's'}`)
  const note = `before ${pending.join(', ')}`
  return await snapshotsOf(config, logger).create({ reason: 'migration', note }).catch(withCure)
}

/** The names of the migrations that will run; none for a database that holds nothing. */
async function pendingMigrations(config: ResolvedConfig, logger: Logger): Promise<string[]> {
  const { migrations } = config.database
  await using database = await openToRead(config, logger)
  if (!database?.get('select 1 from sqlite_schema limit 1')) return []
  const listed = await listMigrations(database, migrations, partMigrations)
  const acceptsNewer = config.database.newerSchema === 'accept'
  const isRefused = listed.some(({ state }) => state === 'changed' || (state === 'unknown' && !acceptsNewer))
  return isRefused ? [] : listed.filter(({ state }) => state === 'pending').map(({ name }) => name)
}

function withCure(error: unknown): never {
  if (!(error instanceof HandcarError) || error.code !== 'HANDCAR_DISK_FULL') throw error
  throw new HandcarError(error.code, error.message, {
    fix: `${error.fix} Without a snapshot: \`handcar migrate --no-snapshot\`, or the setting backup.snapshots.beforeMigrations.`,
    details: error.details,
    cause: error,
  })
}
