import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { HandcarError } from '../../core/index.ts'
import { syncFolder } from '../../database/index.ts'
import { giveToOwnerOf } from '../owner.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * The folder of the snapshots: `<name>.sqlite3` and, beside it, `<name>.json` with what is known of it.
 *
 * A snapshot exists when its `.sqlite3` does, which is renamed last, when everything else is on disk. So a crash leaves at most
 * files whose names begin with a dot, and a `.json` without its file; the next one that makes a snapshot removes both. A database file
 * that somebody has laid there by hand is listed and kept, only nothing is known of it.
 */
export class SnapshotFiles {
  readonly folder: string
  readonly #database: string

  /** @param database Path of the database, whose owner owns the files. */
  constructor(folder: string, database: string) {
    this.folder = folder
    this.#database = database
  }

  /** Makes the folder, for the owner of the database. */
  async make(): Promise<void> {
    const made = await mkdir(this.folder, { recursive: true, mode: 0o700 })
    if (made !== undefined) giveToOwnerOf(this.#database, this.folder)
  }

  path(name: string): string {
    return join(this.folder, `${name}.sqlite3`)
  }

  /** Path of the lock that lets one process at a time change the folder. */
  get lock(): string {
    return join(this.folder, '.lock')
  }

  has(name: string): boolean {
    return existsSync(this.path(name))
  }

  /** A name that no process has used before: one that was orphaned may still write to its own. */
  partial(name: string): string {
    return join(this.folder, `.${name}.${randomBytes(6).toString('hex')}.partial`)
  }

  /** All snapshots, newest first. */
  async list(): Promise<Snapshot[]> {
    const files = await readdir(this.folder).catch(emptyIfMissing)
    const names = files.filter(isSnapshot).map((file) => basename(file, '.sqlite3'))
    const snapshots = await Promise.all(names.map((name) => this.#read(name)))
    return snapshots
      .filter((each) => each !== undefined)
      .toSorted((one, other) => other.createdAt - one.createdAt || (one.name < other.name ? 1 : -1))
  }

  /**
   * Gives a copy that is complete its name. When that fails the copy is removed.
   *
   * @throws HandcarError `HANDCAR_DISK_FULL`
   */
  async publish(partial: string, snapshot: Snapshot): Promise<void> {
    try {
      await this.#publish(partial, snapshot)
    } catch (error) {
      for (const path of [partial, `${partial}.json`]) await rm(path, { force: true })
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      throw new HandcarError('HANDCAR_DISK_FULL', `The disk has no room for the snapshot ${snapshot.path}`, {
        cause: error,
      })
    }
  }

  async #publish(partial: string, { path, ...snapshot }: Snapshot): Promise<void> {
    const told = this.#told(snapshot.name)
    await writeSynced(`${partial}.json`, `${JSON.stringify(snapshot, undefined, 2)}\n`)
    giveToOwnerOf(this.#database, `${partial}.json`)
    await rename(`${partial}.json`, told)
    await rename(partial, path)
    syncFolder(this.folder)
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true })
    await rm(this.#told(name), { force: true })
    syncFolder(this.folder)
  }

  /** Removes what a crash has left. Only for the holder of the lock. */
  async sweep(): Promise<void> {
    const files = new Set(await readdir(this.folder).catch(emptyIfMissing))
    const left = [...files].filter(
      (file) => isPartial(file) || (file.endsWith('.json') && !files.has(databaseOf(file))),
    )
    for (const file of left) await rm(join(this.folder, file), { force: true })
  }

  #told(name: string): string {
    return join(this.folder, `${name}.json`)
  }

  /** `undefined` when it was removed meanwhile. */
  async #read(name: string): Promise<Snapshot | undefined> {
    const path = this.path(name)
    const found = await stat(path).catch(() => undefined)
    if (!found?.isFile()) return undefined
    const told = await readFile(this.#told(name), 'utf8').then(asObject, () => undefined)
    const unknown = { reason: 'unknown' as const, migrations: {}, foreignKeyViolations: 0 }
    return { createdAt: found.mtimeMs, ...unknown, ...told, name, path, bytes: found.size }
  }
}

const isSnapshot = (file: string): boolean => file.endsWith('.sqlite3') && !file.startsWith('.')
const isPartial = (file: string): boolean => file.startsWith('.') && file.includes('.partial')
const databaseOf = (file: string): string => file.replace(/\.json$/, '.sqlite3')

function emptyIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

/** What cannot be read is as good as not there: the file of the snapshot counts. */
function asObject(text: string): Partial<Snapshot> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

async function writeSynced(path: string, content: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(content)
  await file.sync()
}
