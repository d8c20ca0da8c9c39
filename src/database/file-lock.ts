import { isBusy, openDriver, type DriverConnection } from './driver.ts'

/**
 * A lock that one process holds until it lets go or ends, however it ends: SQLite's own lock on an empty database file, which
 * is a POSIX record lock and therefore released by the kernel. Unlike a pid file it cannot be stale, and two processes cannot
 * both believe that they hold it. Nothing is written.
 */
export class FileLock implements Disposable {
  readonly #driver: DriverConnection

  private constructor(driver: DriverConnection) {
    this.#driver = driver
  }

  /**
   * Takes the lock; `undefined` when another process holds it.
   *
   * @param path Path of a file that is used for nothing else; it is made when it does not exist.
   */
  static acquire(path: string): FileLock | undefined {
    const driver = openDriver(path, { readonly: false, mustExist: false })
    try {
      driver.exec('pragma busy_timeout = 0; pragma journal_mode = memory; begin exclusive')
      return new FileLock(driver)
    } catch (error) {
      driver.close()
      if (isBusy(error)) return undefined
      throw error
    }
  }

  /** Lets go. */
  [Symbol.dispose](): void {
    this.#driver.close()
  }
}
