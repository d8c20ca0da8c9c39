import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { formatSize, HandcarError } from '../../core/index.ts'
import { checkDatabase, settleDatabase, type Extension, type FileReport } from '../../database/index.ts'
import type { LitestreamBinary } from '../litestream/binary.ts'
import type { ReplicatedDatabase } from '../litestream/config.ts'
import type { ResolvedReplica } from '../litestream/replica.ts'
import { giveToOwnerOf } from '../owner.ts'
import { assertRoom } from '../snapshots/space.ts'
import { findCandidates, type RestoreCandidate } from './candidates.ts'
import { fitIn, type InPlace } from './in-place.ts'
import { assertTarget, noRoom } from './restore-file.ts'
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
  bytes: number
  /** The newest migration of each owner that is applied in it. */
  migrations: Readonly<Record<string, string>>
  /** Rows that refer to a row that is not there; as in the database that was backed up. */
  foreignKeyViolations: number
  /** The folder of the files that were there before; `undefined` when there were none. */
  replaced?: string
}

/** A state that was checked, beside the place for which it is meant. */
interface Prepared {
  database: ReplicatedDatabase
  folder: string
  file: string
  path: string
  candidate: RestoreCandidate
  report: FileReport
}

/** How often it is told how much has come, in milliseconds. */
const progressInterval = 1_000

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
  const { databases, to, now, inPlace, progress = () => {} } = options
  const beforeSwitch = to === undefined ? inPlace?.beforeSwitch : undefined
  const prepared: Prepared[] = []
  try {
    for (const database of databases) prepared.push(await prepare(database, options))
    const restored: RestoredDatabase[] = []
    for (const each of prepared) {
      progress(`putting ${each.path} in its place`)
      if (to !== undefined) assertTarget(each.path, false)
      const replaced = await switchFiles(each.file, each.path, now, beforeSwitch)
      restored.push(describe(each, replaced))
    }
    return restored
  } finally {
    for (const { folder } of prepared) await rm(folder, { recursive: true, force: true })
  }
}

async function prepare(database: ReplicatedDatabase, options: RestoreOptions): Promise<Prepared> {
  const { to, signal } = options
  const path = to === undefined ? database.path : join(resolve(to), basename(database.path))
  await makeReady(path, to !== undefined)
  const folder = join(dirname(path), `.restore-${randomBytes(6).toString('hex')}`)
  await mkdir(folder, { mode: 0o700 })
  try {
    const candidates = await findCandidates(database, folder, options)
    const prepared = await firstWhole(candidates, { database, folder, path }, options)
    if (to === undefined) await fitIn(prepared.file, options.inPlace, options)
    const like = existsSync(path) ? path : dirname(path)
    giveToOwnerOf(like, prepared.file)
    await chmod(prepared.file, existsSync(path) ? (await stat(path)).mode & 0o777 : 0o600)
    return prepared
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    signal?.throwIfAborted()
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? noRoom(path, error) : error
  }
}

/** Where it goes: a new file in a folder that may be made, or the database's own place. */
async function makeReady(path: string, isNew: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  assertTarget(path, !isNew)
  if (isNew) return
  if (existsSync(path)) await assertRoom(dirname(path), path)
  const left = (await readdir(dirname(path))).filter((name) => name.startsWith('.restore-'))
  for (const name of left) await rm(join(dirname(path), name), { recursive: true, force: true })
}

async function firstWhole(
  candidates: readonly RestoreCandidate[],
  place: Pick<Prepared, 'database' | 'folder' | 'path'>,
  options: RestoreOptions,
): Promise<Prepared> {
  let failure: unknown
  for (const candidate of candidates) {
    const file = join(place.folder, candidate.source.replica)
    try {
      const report = await fetchState(candidate, file, options)
      return { ...place, file, candidate, report }
    } catch (error) {
      options.signal?.throwIfAborted()
      if ((error as HandcarError).code === 'HANDCAR_DISK_FULL') throw error
      failure ??= error
      for (const end of ['', '-wal', '-shm', '-journal', '.tmp', '.tmp-wal', '.tmp-shm'])
        await rm(`${file}${end}`, { force: true })
      options.progress?.(`${candidate.source.address} is of no use: ${(error as Error).message}`)
    }
  }
  throw failure
}

async function fetchState(
  { source, choice }: RestoreCandidate,
  file: string,
  { progress = () => {}, signal, extensions = [] }: RestoreOptions,
): Promise<FileReport> {
  progress(`restoring from ${source.address}`)
  const telling = setInterval(() => void tellSize(file, progress), progressInterval)
  try {
    await source.restore(choice, file, { onLine: () => {}, signal })
  } finally {
    clearInterval(telling)
  }
  if (!existsSync(file))
    throw failed(source.address, 'Litestream said that all is well, and there is no file')
  progress('checking what was restored')
  // What Litestream leaves beside the file is moved into it.
  const settled = await settleDatabase(file)
  await settled[Symbol.asyncDispose]()
  const report = await checkDatabase(file, { extensions, ...(signal && { signal }) })
  if (Object.keys(report.migrations).length > 0) return report
  throw failed(
    source.address,
    'what was restored has no table of migrations, so it is no database of handcar',
  )
}

async function tellSize(file: string, progress: (message: string) => void): Promise<void> {
  const found =
    (await stat(file).catch(() => undefined)) ?? (await stat(`${file}.tmp`).catch(() => undefined))
  if (found) progress(`${formatSize(found.size)} so far`)
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
    bytes,
    migrations,
    foreignKeyViolations,
    ...(replaced !== undefined && { replaced }),
  }
}

function failed(address: string, what: string): HandcarError {
  return new HandcarError('HANDCAR_RESTORE_FAILED', `${address} could not be restored: ${what}`)
}
