import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StateError } from '../core/index.ts'
import { FileLock } from '../database/index.ts'

/**
 * The right to be the one supervisor of a folder: a lock that cannot be stale, and a pid file for people and scripts.
 */
export class Seat {
  readonly #pidFile: string
  readonly #lock: FileLock

  private constructor(pidFile: string, lock: FileLock) {
    this.#pidFile = pidFile
    this.#lock = lock
  }

  /**
   * Takes the seat.
   *
   * @throws StateError `HANDCAR_ALREADY_RUNNING`
   */
  static async take(runFolder: string): Promise<Seat> {
    await mkdir(runFolder, { recursive: true })
    const pidFile = join(runFolder, 'handcar.pid')
    const lock = FileLock.acquire(join(runFolder, 'handcar.lock'))
    if (lock === undefined) {
      const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim()
      const who = pid ? ` as process ${pid}` : ''
      throw new StateError('HANDCAR_ALREADY_RUNNING', `A supervisor already runs in ${runFolder}${who}`, {
        details: { runFolder, pid: Number(pid) || undefined },
      })
    }
    await writeFile(pidFile, `${process.pid}\n`)
    return new Seat(pidFile, lock)
  }

  /** Leaves it to whoever comes next. */
  async leave(): Promise<void> {
    await unlink(this.#pidFile).catch(() => {})
    this.#lock[Symbol.dispose]()
  }
}
