import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Transaction } from '../../database/index.ts'
import { SliceSize } from './slice-size.ts'

/**
 * Many small writes in the place of a long one: each holds the lock for a few milliseconds, and then others have it for four times
 * as long.
 */
export class Slices {
  readonly #database: Database
  readonly #signal: AbortSignal
  readonly #size = new SliceSize()

  constructor(database: Database, signal: AbortSignal) {
    this.#database = database
    this.#signal = signal
  }

  /** Whether there should be no further slice, because the part stops. */
  get isOver(): boolean {
    return this.#signal.aborted
  }

  /**
   * Runs one slice, in a write of its own, and waits until the next one may come.
   *
   * @param body Gets how many rows it may change, and returns how many it did change.
   */
  async write(body: (tx: Transaction, most: number) => number): Promise<number> {
    const most = this.#size.messages
    let took = 0
    const timed = (tx: Transaction): number => {
      const startedAt = performance.now()
      const rows = body(tx, most)
      took = performance.now() - startedAt
      return rows
    }
    // What a power cut takes back is deleted again.
    const rows = await this.#database.write(timed, { label: 'handcar.realtime.trim', durability: 'os' })
    if (rows >= most) this.#size.adapt(took)
    await sleep(Math.max(1, 4 * took), undefined, { ref: false, signal: this.#signal }).catch(() => {})
    return rows
  }
}
