import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { BusyError, formatSize } from '../../core/index.ts'
import { FileLock } from '../../database/index.ts'
import type { BackupFolder } from '../litestream/folder.ts'
import { giveToOwnerOf } from '../owner.ts'
import { Doubt } from './doubt.ts'

/** How much space the restored file takes, and what lies beside it while it is restored, in sizes of the database. */
const factor = 1.2

/**
 * Where a data folder's one verification at a time lays down what it restores: on the disk of the data. What one that was killed has left
 * behind is removed by the next one.
 */
export class VerificationPlace implements AsyncDisposable {
  readonly path: string
  readonly #lock: FileLock

  private constructor(path: string, lock: FileLock) {
    this.path = path
    this.#lock = lock
  }

  /** @throws BusyError `HANDCAR_VERIFICATION_BUSY` */
  static async take(folder: BackupFolder, like: string): Promise<VerificationPlace> {
    await mkdir(folder.path, { recursive: true, mode: 0o700 })
    const lockPath = join(folder.path, 'verification.lock')
    const lock = FileLock.acquire(lockPath)
    if (lock === undefined)
      throw new BusyError(
        'HANDCAR_VERIFICATION_BUSY',
        `Another process verifies the backup in ${folder.path}`,
      )
    const root = join(folder.path, 'verification')
    const path = join(root, randomBytes(6).toString('hex'))
    await rm(root, { recursive: true, force: true })
    await mkdir(path, { recursive: true, mode: 0o700 })
    for (const each of [folder.path, lockPath, root, path]) giveToOwnerOf(like, each)
    return new VerificationPlace(path, lock)
  }

  /** Refuses to begin when a copy of a database could fill the disk. */
  async assertRoom(database: string): Promise<void> {
    const sizes = ['', '-wal'].map(
      (end) => statSync(`${database}${end}`, { throwIfNoEntry: false })?.size ?? 0,
    )
    const needed = Math.ceil(sizes.reduce((sum, size) => sum + size) * factor)
    const { bavail, bsize } = await statfs(this.path)
    const free = bavail * bsize
    if (free >= needed) return
    throw new Doubt(
      'inconclusive',
      `The disk has no room for what is restored: ${formatSize(needed)} are needed, ${formatSize(free)} are free`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.path, '..'), { recursive: true, force: true })
    this.#lock[Symbol.dispose]()
  }
}
