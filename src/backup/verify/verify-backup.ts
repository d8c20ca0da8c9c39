import { parseDuration, type Duration } from '../../core/index.ts'
import type { Database, Extension } from '../../database/index.ts'
import { verifiedEvent } from '../events.ts'
import type { LitestreamBinary } from '../litestream/binary.ts'
import type { BackupFolder } from '../litestream/folder.ts'
import { addressOf, type ResolvedReplica } from '../litestream/replica.ts'
import { VerificationPlace } from './place.ts'
import { deleteChecksOfOthers, deleteOldChecks, insertCheck } from './sql.ts'
import { lastVerifications, type Verification } from './verification.ts'
import { verifyReplica } from './verify-replica.ts'

/** What {@link verifyBackup} needs to know. */
export interface VerifyBackupOptions {
  /** The database, open for writing, with the tables of this part. */
  database: Database
  /** Its name in the backup. */
  name: string
  replicas: readonly ResolvedReplica[]
  binary: LitestreamBinary
  /** Variables of the environment, the keys of buckets among them. */
  environment: Readonly<Record<string, string | undefined>>
  /** Where it is restored to, on the disk of the data. */
  folder: BackupFolder
  /** Extensions that its tables and indexes need. Default: none. */
  extensions?: readonly Extension[]
  /** After how long a replica is given up. Default: `'30m'` */
  timeout?: Duration
  /** How long a change may take to get to a replica; restores do not count. Default: `'2m'` */
  patience?: Duration
  progress?: (message: string) => void
  signal?: AbortSignal
}

const defaults = { timeout: 30 * 60_000, patience: 120_000 }
/** How many checks are kept beside the newest of each replica and verdict. */
const kept = 200

/**
 * Proves that each replica of a database can be restored to what the database is, while the database is in use: a row is committed, the
 * replica restored to a temporary folder until that row is there, and what came is checked from one end to the other and compared with
 * the database, row by row. Only rows that change meanwhile are not compared; how many could be is told.
 *
 * An `integrity_check` and a row that was found are not enough: a replica into which another file was mixed passes both.
 *
 * The results are kept in the table `handcar_backup_checks` and published as `handcar.backup.verified`.
 *
 * @throws BusyError `HANDCAR_VERIFICATION_BUSY`; the signal's reason; what writing to the database throws. A replica that cannot be
 * reached, say, is a result: inconclusive.
 */
export async function verifyBackup(options: VerifyBackupOptions): Promise<Verification[]> {
  const { database, name, replicas, folder, extensions = [], signal, progress = () => {} } = options
  const timeout = parseDuration(options.timeout) ?? defaults.timeout
  const patience = parseDuration(options.patience) ?? defaults.patience
  signal?.throwIfAborted()
  await using place = await VerificationPlace.take(folder, database.path)
  const results: Verification[] = []
  for (const replica of replicas) {
    const limit = AbortSignal.timeout(timeout)
    const limited = signal ? AbortSignal.any([signal, limit]) : limit
    const { binary, environment } = options
    const hadBackup = wasVerified(database, name, replica, binary)
    const result = await verifyReplica(
      {
        database,
        name,
        replica,
        binary,
        environment,
        extensions,
        place,
        patience,
        hadBackup,
        progress,
        signal: limited,
      },
      signal,
    )
    await keep(database, result, replicas)
    verifiedEvent.publish(result)
    results.push(result)
  }
  return results
}

/** The two formats of Litestream do not read one another. */
function wasVerified(
  database: Database,
  name: string,
  replica: ResolvedReplica,
  { line }: LitestreamBinary,
): boolean {
  return lastVerifications(database).some(
    ({ lastVerified }) =>
      lastVerified?.address === addressOf(replica, name) &&
      lastVerified.litestream?.startsWith(line) === true,
  )
}

async function keep(
  database: Database,
  result: Verification,
  replicas: readonly ResolvedReplica[],
): Promise<void> {
  const { replica, address, verdict, reason, beganAt, duration, restorableAfter } = result
  const { bytes, rows, compared, litestream } = result
  await database.write(
    (tx) => {
      const values = [replica, address, verdict, reason, beganAt, duration, restorableAfter]
      const { lastInsertRowid } = tx.run(insertCheck, [
        result.database,
        ...values,
        bytes,
        rows,
        compared,
        litestream,
      ])
      tx.run(deleteOldChecks, [Number(lastInsertRowid) - kept])
      tx.run(deleteChecksOfOthers, [result.database, JSON.stringify(replicas.map((each) => each.name))])
    },
    { label: 'handcar.backup.verify' },
  )
}
