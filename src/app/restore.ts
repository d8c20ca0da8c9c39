import {
  LitestreamSeat,
  restoreFromReplicas,
  type ReplicatedDatabase,
  type RestoredDatabase,
} from '../backup/index.ts'
import { existsSync } from 'node:fs'
import { HandcarError, nearestName, OptionsError, standardLogger, type Logger } from '../core/index.ts'
import { currentEnvironment } from './config.ts'
import { inPlaceOf } from './in-place.ts'
import { backupFolderOf, litestreamOf, ownershipOf, replicatedDatabases, replicates } from './replication.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** What of an app's backup is restored, and where to. */
export interface RestoreDatabasesOptions {
  /** The newest state that is not younger, in milliseconds since 1970. Default: the newest of all. */
  at?: number | undefined
  /** A folder for the files. Default: the places of the databases. The app has to be stopped then. */
  to?: string | undefined
  /** The name of one database. Default: all of them, to the same moment. */
  database?: string | undefined
  /** Takes the replicas over from a machine that is gone for good. Default: false */
  takeOver?: boolean | undefined
  progress?: (message: string) => void
  signal?: AbortSignal
}

/**
 * Restores the databases of an app from its replicas. In place, a Litestream that an earlier process has left behind is ended first, and
 * the replicas must not belong to another machine: the app would write to them as well.
 *
 * @throws HandcarError `HANDCAR_BACKUP_OFF` and those of `restoreFromReplicas`; MissingToolError; OptionsError
 */
export async function restoreDatabases(
  config: ResolvedConfig,
  options: RestoreDatabasesOptions = {},
): Promise<RestoredDatabase[]> {
  const { database, takeOver = false, ...rest } = options
  const { replicas } = config.backup
  if (replicas.length === 0)
    throw new HandcarError(
      'HANDCAR_BACKUP_OFF',
      'Expected a replica to restore from, got a configuration without one',
    )
  const folder = backupFolderOf(config)
  const environment = currentEnvironment()
  const databases = chosen(replicatedDatabases(config), database)
  const litestream = await litestreamOf(config)
  const isInPlace = options.to === undefined
  using _seat = isInPlace ? await LitestreamSeat.take(folder, standardLogger) : undefined
  const ownership = ownershipOf(config, standardLogger)
  if (isInPlace && !takeOver) await ownership.check({ beforeRestore: true }).catch(explainUnreachable)
  const restored = await restoreFromReplicas({
    ...rest,
    databases,
    replicas,
    binary: litestream,
    environment,
    ...(config.database.extensions && { extensions: config.database.extensions }),
    inPlace: inPlaceOf(config),
    now: Date.now(),
  }).catch(async (error: HandcarError) => {
    if (error.code !== 'HANDCAR_BACKUP_EMPTY' || rest.at !== undefined || !(await ownership.wereClaimed()))
      throw error
    throw unreadable(error, litestream.version)
  })
  // From now on, so that the old machine is refused when it comes back, also before the app is started here.
  if (isInPlace) await (takeOver ? ownership.claim({ takeOver }) : ownership.forget())
  return restored
}

/** A server that is not there, an SSH key that does not fit: said by `fetch` or `sftp` in their words. */
function explainUnreachable(error: Error): never {
  if (error instanceof HandcarError) throw error
  throw new HandcarError(
    'HANDCAR_RESTORE_FAILED',
    `Whether another machine writes to the backup could not be read there: ${error.message}`,
    {
      cause: error,
      fix: 'Look at backup.replicas, the keys and the network, and try again; nothing was changed.',
    },
  )
}

/** Nothing can be restored from a replica to which something was written. */
function unreadable({ message }: HandcarError, version: string): HandcarError {
  return new HandcarError(
    'HANDCAR_RESTORE_FAILED',
    `${message}, for Litestream ${version}; but an app has been writing to it`,
    {
      fix: 'If that app had another version of Litestream (0.3, 0.5), restore by that one: HANDCAR_LITESTREAM=<its path> handcar restore. To begin with an empty database all the same, remove handcar-owner.json beside the backup.',
    },
  )
}

/**
 * Fills a data folder without a database from the replicas, where the setting `backup.restoreIfMissing` says so. A first deployment, whose
 * replicas are empty, begins with an empty database. When in doubt it refuses: beside the WAL of a database that is gone, and while
 * another machine may write to the replicas.
 *
 * @throws HandcarError `HANDCAR_REPLICA_OWNED`, `HANDCAR_RESTORE_TARGET`, and those of {@link restoreDatabases}
 */
export async function restoreMissing(
  config: ResolvedConfig,
  { logger, progress = () => {} }: { logger: Logger; progress?: (message: string) => void },
): Promise<void> {
  const { path } = config.database
  if (!config.backup.restoreIfMissing || !replicates(config) || existsSync(path)) return
  if (existsSync(`${path}-wal`))
    throw new HandcarError('HANDCAR_RESTORE_TARGET', `There is no ${path}, but there is its WAL`, {
      fix: 'Put the database back if you have it; otherwise move the WAL away, and start again.',
    })
  progress('restoring the databases from the backup')
  try {
    const restored = await restoreDatabases(config, { progress })
    for (const { address, bytes } of restored) logger.info({ path, address, bytes }, 'restored the database')
  } catch (error) {
    if ((error as HandcarError).code !== 'HANDCAR_BACKUP_EMPTY') throw error
    logger.warn({ path }, 'there is no backup yet, so the app begins with an empty database')
  }
}

function chosen(databases: ReplicatedDatabase[], name: string | undefined): ReplicatedDatabase[] {
  const found = name === undefined ? databases : databases.filter((each) => each.name === name)
  if (found.length > 0) return found
  const names = databases.map((each) => each.name)
  const fix = `Did you mean ${nearestName(name!, names) ?? names.join(' or ')}?`
  throw new OptionsError('HANDCAR_OPTION_INVALID', `Expected the name of a database, got "${name}"`, { fix })
}
