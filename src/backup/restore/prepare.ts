import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { formatSize, HandcarError } from '../../core/index.ts'
import { checkDatabase, settleDatabase, type FileReport } from '../../database/index.ts'
import type { ReplicatedDatabase } from '../litestream/config.ts'
import { giveToOwnerOf } from '../owner.ts'
import { assertRoom } from '../snapshots/space.ts'
import { findCandidates, type RestoreCandidate } from './candidates.ts'
import { fitIn } from './in-place.ts'
import { assertTarget, noRoom, realPlace, refuseTarget } from './restore-file.ts'
import type { RestoreOptions } from './restore.ts'

/** A state that was checked, beside the place for which it is meant. */
export interface Prepared {
  database: ReplicatedDatabase
  folder: string
  file: string
  path: string
  candidate: RestoreCandidate
  report: FileReport
}

/** How often it is told how much has come, in milliseconds. */
const progressInterval = 1_000

/** A database and the path at which its file is to be. */
export interface Place {
  database: ReplicatedDatabase
  path: string
}

/**
 * Says where the databases go, and makes that ready: new files in a folder that may be made, or the databases' own places, where what
 * restores have left is removed that were killed.
 *
 * @throws HandcarError `HANDCAR_RESTORE_TARGET`, `HANDCAR_DISK_FULL`
 */
export async function findPlaces({
  databases,
  to,
}: Pick<RestoreOptions, 'databases' | 'to'>): Promise<Place[]> {
  const places = databases.map((database) => ({
    database,
    path: to === undefined ? realPlace(database.path) : join(resolve(to), basename(database.path)),
  }))
  for (const { path } of places) {
    const folder = dirname(path)
    await mkdir(folder, { recursive: true }).catch((error: unknown) => refuseTarget(folder, error))
    assertTarget(path, to === undefined)
    if (to !== undefined) continue
    if (existsSync(path)) await assertRoom(folder, path)
    const left = (await readdir(folder)).filter((name) => name.startsWith('.restore-'))
    for (const name of left) await rm(join(folder, name), { recursive: true, force: true })
  }
  return places
}

/**
 * Restores a database into a folder of its own on the file system of its place, checked and synced.
 *
 * @throws HandcarError as `restoreFromReplicas`; the signal's reason
 */
export async function prepare({ database, path }: Place, options: RestoreOptions): Promise<Prepared> {
  const { to, signal } = options
  const folder = join(dirname(path), `.restore-${randomBytes(6).toString('hex')}`)
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => refuseTarget(dirname(path), error))
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

async function firstWhole(
  candidates: readonly RestoreCandidate[],
  place: Pick<Prepared, 'database' | 'folder' | 'path'>,
  options: RestoreOptions,
): Promise<Prepared> {
  let failure: unknown
  const queue = [...candidates]
  for (const candidate of queue) {
    const file = join(place.folder, candidate.source.replica)
    try {
      const report = await fetchState(candidate, file, options)
      return { ...place, file, candidate, report }
    } catch (error) {
      options.signal?.throwIfAborted()
      if ((error as HandcarError).code === 'HANDCAR_DISK_FULL') throw error
      failure ??= error
      await removeAttempt(file)
      options.progress?.(`${candidate.source.address} is of no use: ${(error as Error).message}`)
      const before = await beforeLastPart(candidate, options)
      if (before !== undefined) queue.push(before)
    }
  }
  throw failure
}

/** What Litestream and SQLite leave of a restore that failed. */
async function removeAttempt(file: string): Promise<void> {
  for (const end of ['', '-wal', '-shm', '-journal']) await rm(`${file}${end}`, { force: true })
  for (const name of await readdir(dirname(file)))
    if (name.startsWith(`${basename(file)}.tmp`)) await rm(join(dirname(file), name), { force: true })
}

/** After the others, because it lacks what was sent last. */
async function beforeLastPart(
  { source, choice }: RestoreCandidate,
  { signal, progress }: RestoreOptions,
): Promise<RestoreCandidate | undefined> {
  const before = await source.beforeLastPart(choice, signal).catch(() => undefined)
  signal?.throwIfAborted()
  if (before === undefined) return undefined
  progress?.(`${source.address}: trying without what was sent last`)
  return { source, choice: before, newestAt: before.timestamp! }
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

function failed(address: string, what: string): HandcarError {
  return new HandcarError('HANDCAR_RESTORE_FAILED', `${address} could not be restored: ${what}`)
}
