import { fdatasyncSync, fstatSync, readdirSync, statSync } from 'node:fs'

/**
 * Syncs a database file through a descriptor that SQLite itself has open in this process.
 *
 * Opening the file once more would be dangerous: closing any descriptor of it drops every POSIX lock that the process
 * holds on it (https://sqlite.org/howtocorrupt.html, §2.2). So the descriptor is borrowed: Linux lists the open ones in
 * `/proc/self/fd`, and the inode tells which is the database's. It is never closed here, and its identity is checked
 * before each use. The sync is about speed only (SQLite syncs by itself where safety needs it), so where there is no
 * `/proc` it is left out.
 */
export class DatabaseDescriptor {
  readonly #path: string
  #descriptor: number | undefined

  /** @param path Absolute path of the database. */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Waits until everything that was written to the file is on disk. Blocks this thread.
   *
   * @throws the system's error when the disk did not take it. The kernel tells it once to each open file, so SQLite may
   * not hear of it again and must not be let forget the WAL.
   */
  sync(): void {
    try {
      const { ino, dev } = statSync(this.#path)
      if (!isFile(this.#descriptor, ino, dev)) this.#descriptor = findDescriptor(ino, dev)
      if (this.#descriptor !== undefined) fdatasyncSync(this.#descriptor)
    } catch (error) {
      this.#descriptor = undefined
      if (saysDataIsLost(error)) throw error
    }
  }
}

/** Whether an error of the system or of SQLite says that the disk did not take what was written before. */
export function saysDataIsLost(error: unknown): boolean {
  return lossCodes.has(String((error as { code?: unknown } | null)?.code))
}

const lossCodes = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'SQLITE_IOERR_FSYNC'])

function findDescriptor(ino: number, dev: number): number | undefined {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .find((descriptor) => isFile(descriptor, ino, dev))
}

function isFile(descriptor: number | undefined, ino: number, dev: number): boolean {
  if (descriptor === undefined) return false
  try {
    const found = fstatSync(descriptor)
    return found.ino === ino && found.dev === dev
  } catch {
    return false
  }
}
