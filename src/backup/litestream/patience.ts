/** In lags that are an alarm. */
const shortest = 4
const longest = 64
/** A replica gets nothing new while a whole copy of the database is sent; slower than this, in bytes per millisecond, is no progress. */
const slowest = 1_000
/** So often the time for a whole copy is doubled. */
const mostDoublings = 10

/**
 * How long a Litestream may make no progress before it is ended and started again. What hangs may hang for good: a 0.3 whose replica was on a
 * full disk goes on only like that (reproduced). But while a target is down it helps nothing and may cost a generation, and whoever is ended
 * while a whole copy is sent begins that anew. So a large database has more of it, and it doubles each time, until the replica gets something.
 */
export class Patience {
  readonly #lagAlarm: number
  #ended = 0

  /** @param lagAlarm A lag that is an alarm, in milliseconds. */
  constructor(lagAlarm: number) {
    this.#lagAlarm = lagAlarm
  }

  /**
   * Milliseconds.
   *
   * @param bytes Of the databases.
   */
  limit(bytes: number): number {
    const lags = Math.min(longest, shortest * 2 ** this.#ended)
    return this.#lagAlarm * lags + (bytes / slowest) * 2 ** Math.min(this.#ended, mostDoublings)
  }

  /** One was ended. */
  ended(): void {
    this.#ended++
  }

  /** All is well. */
  renew(): void {
    this.#ended = 0
  }
}
