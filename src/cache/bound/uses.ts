import type { Transaction } from '../../database/index.ts'
import { markUse } from '../sql.ts'

/** How many uses are kept in memory. */
const most = 50_000
/** A use counts half as much after so many times the age at which entries are evicted. */
const memoryOfUses = 4
/** How old uses get before the other processes are told of them, in milliseconds. */
const toldAfter = 10_000
/** How many are written with one transaction. */
const atOnce = 256

/**
 * How much entries are used, in memory, so that no read writes anything. It is written into a table of its own, together with other
 * writes, some seconds later or when there is too much of it: for the other processes, which may have to evict something.
 *
 * It is one number that stands for all uses of an entry, each of which counts half as much after some time: the moment at which a single use
 * would count as much now as all of them. So it is the time of the last use, and later the more often there were others before, and it
 * can be compared without being kept up to date (LRFU, Lee et al., IEEE Transactions on Computers 50, 2001; forward decay, Cormode et
 * al., ICDE 2009). What is often used stays, where LRU would give it up for what is used once.
 */
export class Uses {
  /** The one that was used longest ago stands first. */
  readonly #used = new Map<number, number>()
  /** Those that the other processes do not know of. */
  readonly #untold = new Set<number>()
  #toldAt = 0
  /** How old entries are when they are evicted, in milliseconds. */
  #age = 0

  /** How often it is worth noting that the same entry is used, in milliseconds. */
  get interval(): number {
    return Math.min(1_000, this.#age / 16)
  }

  /** Notes a use of an entry. */
  mark(id: number, now: number, createdAt: number): void {
    const before = Math.max(createdAt, this.#used.get(id) ?? 0)
    this.#used.delete(id)
    this.#used.set(id, together(before, now, Math.max(1, this.#age * memoryOfUses)))
    this.#untold.add(id)
    if (this.#used.size > most * 2) this.#forgetHalf()
  }

  /** What stands for the uses of an entry; 0 when none are known. */
  lastUse(id: number): number {
    return this.#used.get(id) ?? 0
  }

  /** An entry was evicted at an age. */
  evicted(id: number, age: number): void {
    this.#age = this.#age === 0 ? age : this.#age + (age - this.#age) / 64
    this.forget(id)
  }

  forget(id: number): void {
    this.#used.delete(id)
    this.#untold.delete(id)
  }

  /** Writes some of them, with a transaction that writes something else. */
  tell(tx: Transaction, now: number): void {
    if (this.#untold.size === 0 || (this.#untold.size <= most && now - this.#toldAt < toldAfter)) return
    let told = 0
    for (const id of this.#untold) {
      if (told++ === atOnce) return
      tx.run(markUse, [Math.round(this.lastUse(id)), id])
      this.#untold.delete(id)
    }
    this.#toldAt = now
  }

  clear(): void {
    this.#used.clear()
    this.#untold.clear()
  }

  #forgetHalf(): void {
    let left = most
    for (const id of this.#used.keys()) {
      if (left-- === 0) return
      this.forget(id)
    }
  }
}

/** The moment of a use that counts as much as uses at two moments, with a half-life. */
function together(before: number, now: number, halfLife: number): number {
  const [later, earlier] = before > now ? [before, now] : [now, before]
  return later + halfLife * Math.log2(1 + 2 ** ((earlier - later) / halfLife))
}
