import { parseDuration, type Duration } from '../core/index.ts'
import { ReaderPool } from './reader-pool.ts'

/**
 * Reads a database that may be in use, damaged or none at all, for reports about it: from a process of its own, that
 * cannot write and that is killed when a query takes too long. The file is opened as it is found: nothing is created,
 * migrated or changed by it. (SQLite lays an empty `-wal` and `-shm` beside a database in WAL mode that nobody has open.)
 */
export class Inspector implements Disposable {
  readonly #pool: ReaderPool

  /** @param path Path of a file that exists; nothing is opened before the first query. */
  constructor(path: string) {
    const timeouts = { timeout: 10_000, idleTimeout: 60_000 }
    this.#pool = new ReaderPool({ path, extensions: [], pragmas: {} }, { processes: 1, ...timeouts })
  }

  /**
   * All rows of a query or a pragma.
   *
   * @param timeout Default: 10 seconds.
   * @throws TimeoutError `HANDCAR_QUERY_TIMEOUT`; HandcarError `HANDCAR_QUERY_CRASHED`; SQLite's errors
   */
  async all<Row>(text: string, timeout: Duration = '10s'): Promise<Row[]> {
    const deadline = performance.now() + (parseDuration(timeout) ?? this.#pool.defaultTimeout)
    return (await this.#pool.all(text, [], { deadline, signal: undefined })) as Row[]
  }

  /** Ends the process. */
  [Symbol.dispose](): void {
    this.#pool.close()
  }
}
