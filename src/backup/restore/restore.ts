import { rm } from 'node:fs/promises'
import type { Extension } from '../../database/index.ts'
import type { LitestreamBinary } from '../litestream/binary.ts'
import type { ReplicatedDatabase } from '../litestream/config.ts'
import type { ResolvedReplica } from '../litestream/replica.ts'
import type { InPlace } from './in-place.ts'
import type { RestoreHole } from './moments.ts'
import { findPlaces, prepare, type Prepared } from './prepare.ts'
import { assertTarget } from './restore-file.ts'
import { switchFiles } from './switch.ts'

/** What {@link restoreFromReplicas} needs to know. */
export interface RestoreOptions {
  databases: readonly ReplicatedDatabase[]
  replicas: readonly ResolvedReplica[]
  binary: Pick<LitestreamBinary, 'path' | 'line'>
  /** Variables of the environment, the keys of buckets among them. */
  environment: Readonly<Record<string, string | undefined>>
  /** The newest state that is not younger, in milliseconds since 1970. Default: the newest of all. */
  at?: number | undefined
  /** A folder in which the files are laid down. Default: they take the places of the databases, whose files are set aside. */
  to?: string | undefined
  extensions?: readonly Extension[]
  /** What is done when the files take the places of the databases; not where they are laid down elsewhere. */
  inPlace?: InPlace | undefined
  /** Milliseconds since 1970; names the folder of the old files. */
  now: number
  progress?: (message: string) => void
  signal?: AbortSignal | undefined
}

/** A database that was restored. */
export interface RestoredDatabase {
  name: string
  path: string
  /** Where it came from. */
  address: string
  /** The newest moment from which there is anything in that replica's history, in milliseconds since 1970; a second exact. */
  newestAt: number
  /** Where the moment that was asked for is in a stretch of time of which that replica has nothing. */
  hole?: RestoreHole
  bytes: number
  /** The newest migration of each owner that is applied in it. */
  migrations: Readonly<Record<string, string>>
  /** Rows that refer to a row that is not there; as in the database that was backed up. */
  foreignKeyViolations: number
  /** The folder of the files that were there before; `undefined` when there were none. */
  replaced?: string
}

/**
 * Restores databases from their replicas, all to the same moment: each into a folder of its own on the file system of its place, where it
 * is checked from one end to the other and synced; when all of them are whole, each takes its place by a rename. Whatever goes wrong before
 * leaves everything as it was, and a kill leaves a folder `.restore-…` that the next restore removes.
 *
 * Litestream's exit code counts for nothing by itself: 0 was seen with nothing done. What counts is a file that SQLite finds whole and that
 * has the table of our migrations. Where one replica fails the next one is tried.
 *
 * @throws HandcarError `HANDCAR_BACKUP_EMPTY`, `HANDCAR_RESTORE_FAILED`, `HANDCAR_RESTORE_TARGET`, `HANDCAR_DISK_FULL`; BusyError
 * `HANDCAR_DATABASE_IN_USE`; the signal's reason
 */
export async function restoreFromReplicas(options: RestoreOptions): Promise<RestoredDatabase[]> {
  const { to, now, inPlace, progress = () => {} } = options
  const prepared: Prepared[] = []
  try {
    for (const place of await findPlaces(options)) prepared.push(await prepare(place, options))
    for (const { path } of prepared) {
      progress(`putting ${path} in its place`)
      if (to !== undefined) assertTarget(path, false)
    }
    const files = prepared.map(({ file, path }) => ({ from: file, path }))
    const replaced = await switchFiles(files, now, to === undefined ? inPlace?.beforeSwitch : undefined)
    return prepared.map((each, index) => describe(each, replaced[index]))
  } finally {
    for (const { folder } of prepared) await rm(folder, { recursive: true, force: true })
  }
}

function describe(
  { database, path, candidate, report }: Prepared,
  replaced: string | undefined,
): RestoredDatabase {
  const { bytes, migrations, foreignKeyViolations } = report
  return {
    name: database.name,
    path,
    address: candidate.source.address,
    newestAt: candidate.newestAt,
    ...(candidate.choice.hole && { hole: candidate.choice.hole }),
    bytes,
    migrations,
    foreignKeyViolations,
    ...(replaced !== undefined && { replaced }),
  }
}
