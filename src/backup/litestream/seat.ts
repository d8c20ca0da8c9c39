import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StateError, type Logger } from '../../core/index.ts'
import { FileLock } from '../../database/index.ts'
import type { BackupFolder } from './folder.ts'
import {
  endRecorded,
  livingRecord,
  processesWith,
  removeRecord,
  startOf,
  writeRecord,
} from './process-record.ts'
import { stopGrace } from './child.ts'

/**
 * The right to run Litestream on the databases of a data folder. Two of them on one database lock writers out for seconds and leave
 * replicas behind that cannot be restored (https://litestream.io/tips/#multiple-applications-writing-to-the-same-replica), so there are two
 * guards: a lock of the kernel's, held by the process that runs it; and its pid, for a Litestream that outlived the process which held the
 * lock. Such an orphan is ended before another one is started.
 */
export class LitestreamSeat implements Disposable {
  readonly #folder: BackupFolder
  readonly #lock: FileLock

  private constructor(folder: BackupFolder, lock: FileLock) {
    this.#folder = folder
    this.#lock = lock
  }

  /**
   * Takes the seat, and ends what an earlier holder has left running.
   *
   * @throws StateError `HANDCAR_LITESTREAM_RUNNING`
   */
  static async take(folder: BackupFolder, logger: Logger): Promise<LitestreamSeat> {
    await mkdir(folder.path, { recursive: true, mode: 0o700 })
    const lock = FileLock.acquire(folder.lock)
    if (lock === undefined) throw isTaken(folder, (await livingRecord(folder.record))?.pid)
    try {
      await endLeftovers(folder, logger)
    } catch (error) {
      lock[Symbol.dispose]()
      throw error
    }
    return new LitestreamSeat(folder, lock)
  }

  /** Writes down which process Litestream is now. */
  async record(pid: number, version: string): Promise<void> {
    const startedAt = await startOf(pid)
    if (startedAt !== undefined) await writeRecord(this.#folder.record, { pid, startedAt, version })
  }

  /** It has ended. */
  async forget(): Promise<void> {
    await removeRecord(this.#folder.record)
  }

  /** Lets go. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]()
  }
}

/** Also one that was started and not written down any more. */
async function endLeftovers({ record, config }: BackupFolder, logger: Logger): Promise<void> {
  const recorded = await livingRecord(record)
  const others = (await processesWith(config)).filter(({ pid }) => pid !== recorded?.pid)
  for (const left of [...(recorded === undefined ? [] : [recorded]), ...others]) {
    logger.warn({ pid: left.pid }, 'A Litestream that outlived its supervisor is ended')
    await endRecorded(left, stopGrace)
  }
}

function isTaken({ path }: BackupFolder, pid: number | undefined): StateError {
  const who = pid === undefined ? '' : `; its Litestream is process ${pid}`
  return new StateError('HANDCAR_LITESTREAM_RUNNING', `Another process holds the backup in ${path}${who}`, {
    details: { path, pid },
  })
}

/** Writes a file that only its owner reads, whole or not at all. */
export async function writePrivately(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true })
  await writeFile(path, content, { mode: 0o600, flag: 'wx' })
}
