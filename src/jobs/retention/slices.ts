import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, SqlParameters, Transaction } from '../../database/index.ts'

/** How many rows a slice has at first, and at most. */
const rows = { first: 32, most: 1_000 }
/** How long a slice may hold the write lock, in milliseconds. */
const longest = 5

/**
 * Many small writes in the place of a long one: each holds the lock for a few milliseconds, and then others have it for four times
 * as long.
 */
export class Slices {
  /** How many rows the next slice should have. */
  size = rows.first
  readonly #database: Database
  readonly #signal: AbortSignal
  #hasReaders: boolean | undefined

  constructor(database: Database, signal: AbortSignal) {
    this.#database = database
    this.#signal = signal
  }

  /** Whether there should be no further slice, because the part stops. */
  get isOver(): boolean {
    return this.#signal.aborted
  }

  /** Runs one slice, in a write of its own, and waits until the next one may come. Returns what its body returns. */
  async write<Result>(body: (tx: Transaction) => Result): Promise<Result> {
    let took = 0
    const timed = (tx: Transaction): Result => {
      const startedAt = performance.now()
      const result = body(tx)
      took = performance.now() - startedAt
      return result
    }
    // What a power cut takes back is deleted again.
    const result = await this.#database.write(timed, { label: 'handcar.jobs.prune', durability: 'os' })
    if (took > longest) this.size = Math.max(1, this.size >> 1)
    else if (took < longest / 2) this.size = Math.min(rows.most, this.size << 1)
    await this.#pause(Math.max(1, 4 * took))
    return result
  }

  /** Rows of a query that may look at very many: from a reader process, where the database has any. */
  read<Row>(text: string, parameters: SqlParameters): Promise<Row[]> | Row[] {
    this.#hasReaders ??= this.#database.stats().readers !== undefined
    return this.#hasReaders
      ? this.#database.query<Row>(text, parameters, { signal: this.#signal })
      : this.#database.all<Row>(text, parameters)
  }

  /** Lets others have their turn between two reads. */
  async yield(): Promise<void> {
    await this.#pause(0)
  }

  async #pause(duration: number): Promise<void> {
    await sleep(duration, undefined, { ref: false, signal: this.#signal }).catch(() => {})
  }
}
