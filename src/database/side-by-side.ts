import { BusyError, standardLogger } from '../core/index.ts'
import { isBusy, openDriver, type DriverConnection, type DriverParameters } from './driver.ts'
import { findExtensions } from './extensions.ts'
import { explainOpenError } from './open-errors.ts'
import type { Extension } from './options.ts'

/**
 * Several database files in one connection, for tools that compare them; everything happens on this thread, and waits inside SQLite.
 * A transaction over more than one file can be torn by a power cut (https://sqlite.org/lang_attach.html), so only the first may be
 * written.
 */
export class SideBySide implements Disposable {
  readonly #driver: DriverConnection

  private constructor(driver: DriverConnection) {
    this.#driver = driver
  }

  /**
   * Opens files that exist.
   *
   * @param path Of the file that is called `main`.
   * @param others Paths by the names under which statements find them.
   * @throws CorruptionError `HANDCAR_DATABASE_CORRUPT`; HandcarError `HANDCAR_DATABASE_READ_ONLY`
   */
  static async open(
    path: string,
    others: Readonly<Record<string, string>>,
    { readonly, extensions = [] }: { readonly: boolean; extensions?: readonly Extension[] },
  ): Promise<SideBySide> {
    const files = await findExtensions(extensions, standardLogger)
    let driver: DriverConnection | undefined
    try {
      driver = openDriver(path, { readonly, mustExist: true })
      for (const file of files) driver.loadExtension(file)
      driver.exec('pragma foreign_keys = off; pragma synchronous = full; pragma trusted_schema = off')
      for (const [name, other] of Object.entries(others)) driver.prepare(`attach ? as ${name}`).run([other])
      return new SideBySide(driver)
    } catch (error) {
      driver?.close()
      throw explainOpenError(error, path)
    }
  }

  /** All rows of a query. */
  all<Row>(text: string, parameters: DriverParameters = []): Row[] {
    return this.#driver.prepare(text).all(parameters) as Row[]
  }

  /** Runs a statement; returns how many rows it has changed. */
  run(text: string, parameters: DriverParameters = []): number {
    return this.#driver.prepare(text).run(parameters).changes
  }

  /**
   * Runs a body with the write lock of the first file, and takes back what it did when it throws.
   *
   * @throws BusyError `HANDCAR_DATABASE_BUSY`
   */
  transaction<Result>(body: () => Result): Result {
    this.#begin()
    try {
      const result = body()
      this.#driver.exec('commit')
      return result
    } catch (error) {
      if (this.#driver.inTransaction) this.#driver.exec('rollback')
      throw error
    }
  }

  #begin(): void {
    try {
      this.#driver.exec('begin immediate')
    } catch (error) {
      if (!isBusy(error)) throw error
      throw new BusyError('HANDCAR_DATABASE_BUSY', 'Waited too long for other processes that write', {
        cause: error,
      })
    }
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    this.#driver.close()
  }
}
