import type { Transaction } from '../../database/index.ts'
import { markUse } from '../sql.ts'

/** How many uses are kept in memory. */
const most = 50_000
/** How old uses get before the other processes are told of them, in milliseconds. */
const toldAfter = 10_000
/** How many are written with one transaction. */
const atOnce = 256

/**
 * When entries were last used, in memory, so that no read writes anything. They are written into a table of their own, together with
 * other writes, some seconds later or when there are too many: for the other processes, which may have to evict something.
 */
export class Uses {
  /** The one that was used longest ago stands first. */
  readonly #used = new Map<number, number>()
  #toldAt = 0

  mark(id: number, now: number): void {
    this.#used.delete(id)
    this.#used.set(id, now)
    if (this.#used.size > most * 2) this.#forgetHalf()
  }

  /** When an entry was last used here; 0 when that is not known. */
  lastUse(id: number): number {
    return this.#used.get(id) ?? 0
  }

  forget(id: number): void {
    this.#used.delete(id)
  }

  /** Writes some of them, with a transaction that writes something else. */
  tell(tx: Transaction, now: number): void {
    if (this.#used.size === 0 || (this.#used.size <= most && now - this.#toldAt < toldAfter)) return
    let told = 0
    for (const [id, usedAt] of this.#used) {
      if (told++ === atOnce) return
      tx.run(markUse, [id, usedAt])
      this.#used.delete(id)
    }
    this.#toldAt = now
  }

  clear(): void {
    this.#used.clear()
  }

  #forgetHalf(): void {
    let left = most
    for (const id of this.#used.keys()) {
      if (left-- === 0) return
      this.#used.delete(id)
    }
  }
}
