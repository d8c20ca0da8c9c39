import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, SqlParameters, Transaction } from '../../database/index.ts'
import { SliceSize } from '../slice-size.ts'

/** How many rows a slice has at most. */
const mostRows = 1_000

/**
 * Many small writes in the place of a long one: each holds the lock for a few milliseconds, and then others have it for four times
 * as long.
 */
export class Slices {
  readonly #database: Database
  readonly #signal: AbortSignal
  readonly #size = new SliceSize(mostRows)
  #hasReaders: boolean | undefined

  constructor(database: Database, signal: AbortSignal) {
    this.#database = database
    this.#signal = signal
  }

  /** How many rows the next slice should have. */
  get size(): number {
    return this.#size.rows
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
    this.#size.adapt(took)
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
