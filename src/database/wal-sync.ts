import { fdatasync } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { CorruptionError, HandcarError, Histogram } from '../core/index.ts'

const syncToDisk = promisify(fdatasync)
/** How often it is checked that the files are still the ones that were opened, in milliseconds. */
const identityInterval = 100

interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

/**
 * Brings commits to the disk without stopping the event loop.
 *
 * A commit at `synchronous=normal` has appended to the WAL file but not waited for the disk. `fdatasync` of that file on
 * the thread pool then covers it and everything that it depends on, because a log is written in order; one call covers
 * all commits since the last. SQLite itself syncs the WAL before a checkpoint and after a reset, so whatever left the
 * WAL before our call is on disk too.
 *
 * After a failed sync the kernel may have dropped the data and may still report success next time ("fsyncgate"), so the
 * first failure ends all writing until the process starts anew, wherever it came up: `fail` tells of one of the
 * database file.
 */
export class WalSync {
  readonly #path: string
  readonly #durations = new Histogram()
  #file: FileHandle | undefined
  #fileId = 0
  #databaseId = 0
  #checkedAt = 0
  #waiting: Waiter[] = []
  #isRunning = false
  #failure: HandcarError | undefined

  /** @param path Absolute path of the database. */
  constructor(path: string) {
    this.#path = path
  }

  /** The error after which nothing can be acknowledged any more. */
  get failure(): HandcarError | undefined {
    return this.#failure
  }

  /** How long syncs took, in milliseconds. */
  get durations(): Histogram {
    return this.#durations
  }

  /** Opens the WAL file, which exists from the first transaction on. */
  async open(): Promise<void> {
    this.#file = await open(this.#walPath, 'r')
    this.#fileId = (await this.#file.stat()).ino
    this.#databaseId = (await stat(this.#path)).ino
  }

  /** Resolves when everything that was committed before this call is on disk. */
  synced(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  /** Looks in the background, now and then, whether the files are still the ones that were opened: for writes without a sync. */
  verify(): void {
    const now = performance.now()
    if (this.#failure || now - this.#checkedAt <= identityInterval) return
    this.#checkedAt = now
    this.#checkIdentity(now).catch((error: unknown) => {
      this.#failure ??= asFailure(error, this.#path)
    })
  }

  /** Nothing is acknowledged from now on. */
  fail(reason: string): void {
    this.#failure ??= syncFailed(this.#path, reason)
  }

  /** Closes the WAL file, after running syncs. */
  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  get #walPath(): string {
    return `${this.#path}-wal`
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      const waiters = this.#waiting
      this.#waiting = []
      try {
        await this.#sync()
        for (const waiter of waiters) waiter.resolve()
      } catch (error) {
        this.#failure = asFailure(error, this.#path)
        for (const waiter of [...waiters, ...this.#waiting]) waiter.reject(this.#failure)
        this.#waiting = []
      }
    }
    this.#isRunning = false
  }

  async #sync(): Promise<void> {
    const startedAt = performance.now()
    if (startedAt - this.#checkedAt > identityInterval) await this.#checkIdentity(startedAt)
    await syncToDisk(this.#file!.fd)
    this.#durations.record(performance.now() - startedAt)
  }

  /** A sync of a file that is no longer the database's says nothing, so a replaced file must not be acknowledged. */
  async #checkIdentity(now: number): Promise<void> {
    const [wal, database] = await Promise.all([stat(this.#walPath), stat(this.#path)])
    if (database.ino !== this.#databaseId || wal.ino !== this.#fileId) throw replaced(this.#path)
    this.#checkedAt = now
  }
}

function asFailure(error: unknown, path: string): HandcarError {
  if (error instanceof HandcarError) return error
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return replaced(path, error)
  return syncFailed(`${path}-wal`, error)
}

function syncFailed(file: string, cause: unknown): HandcarError {
  return new HandcarError(
    'HANDCAR_SYNC_FAILED',
    `The disk did not confirm a write to ${file}: ${String(cause)}`,
    {
      cause,
    },
  )
}

function replaced(path: string, cause?: unknown): CorruptionError {
  return new CorruptionError(
    'HANDCAR_DATABASE_REPLACED',
    `${path} or its WAL was deleted or replaced while it was open`,
    { cause },
  )
}
