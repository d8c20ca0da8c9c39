import type { Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import { codeOf } from './errors.ts'

/** One line in so many milliseconds. */
const interval = 60_000

/** Tells of failures in the log, once a minute: a disk that is full fails thousands of calls. */
export class FaultLog {
  readonly #logger: Logger
  readonly #database: Database
  #loggedAt = -Infinity
  #unlogged = 0

  constructor(logger: Logger, database: Database) {
    this.#logger = logger
    this.#database = database
  }

  add(during: string, error: unknown): void {
    const now = performance.now()
    if (now - this.#loggedAt < interval) {
      this.#unlogged++
      return
    }
    const { path } = this.#database
    this.#logger.warn(
      { path, during, error: String(error), code: codeOf(error), before: this.#unlogged },
      'the cache could not do its work, and the app goes on without',
    )
    this.#loggedAt = now
    this.#unlogged = 0
  }
}
