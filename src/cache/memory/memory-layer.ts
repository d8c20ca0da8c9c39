import type { Entry } from '../entries/entry.ts'
import type { Operation } from '../writes/operation.ts'

/** How the memory layer is doing. */
export interface MemoryStats {
  entries: number
  /** Size of the values and keys, roughly, in bytes. */
  bytes: number
  maxBytes: number
}

/**
 * Entries in the memory of the process, within a number of bytes. Which of them has to go is found by SIEVE (Zhang et al., NSDI 2024,
 * https://cachemon.github.io/SIEVE-website/): a hit only sets a mark, a hand goes from the oldest to the newest and takes the first one
 * that was not used since it came by. Cheaper than LRU on a hit, and better at keeping what is used again.
 */
export class MemoryLayer {
  readonly maxBytes: number
  readonly maxValue: number
  readonly #byId = new Map<number, Entry>()
  #oldest: Entry | undefined
  #newest: Entry | undefined
  #hand: Entry | undefined
  #bytes = 0
  #entries = 0

  constructor({ maxBytes, maxValue }: { maxBytes: number; maxValue: number }) {
    this.maxBytes = maxBytes
    this.maxValue = maxValue
  }

  /** Takes an entry in, unless it is too large. */
  put(entry: Entry): void {
    const { memory } = entry.space
    const before = memory.get(entry.key)
    if (before !== undefined) this.remove(before)
    const { size } = entry
    if (size > this.maxValue + 200 || size > this.maxBytes) return
    memory.set(entry.key, entry)
    this.#byId.set(entry.id, entry)
    entry.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = entry
    this.#newest = entry
    this.#oldest ??= entry
    this.#bytes += size
    this.#entries++
    while (this.#bytes > this.maxBytes) this.#evict()
  }

  /** Takes an entry out. */
  remove(entry: Entry): void {
    const { memory } = entry.space
    if (memory.get(entry.key) !== entry) return
    memory.delete(entry.key)
    if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id)
    if (this.#hand === entry) this.#hand = entry.newer
    if (entry.older !== undefined) entry.older.newer = entry.newer
    else this.#oldest = entry.newer
    if (entry.newer !== undefined) entry.newer.older = entry.older
    else this.#newest = entry.older
    entry.older = undefined
    entry.newer = undefined
    this.#bytes -= entry.size
    this.#entries--
  }

  /** A write was committed: what it has replaced is over. */
  replaced(operation: Operation): void {
    if (operation.type === 'work') return
    const { space, key } = operation.type === 'set' ? operation.entry : operation
    const held = space.memory.get(key)
    if (held !== undefined) this.remove(held)
  }

  /** Entries were taken out of the file to make room: nobody else could tell this process when they are over. */
  gone(ids: readonly number[]): void {
    for (const id of ids) {
      const held = this.#byId.get(id)
      if (held !== undefined) this.remove(held)
    }
  }

  /** Takes everything out. */
  clear(): void {
    for (let entry = this.#oldest; entry !== undefined; entry = this.#oldest) this.remove(entry)
  }

  stats(): MemoryStats {
    return { entries: this.#entries, bytes: this.#bytes, maxBytes: this.maxBytes }
  }

  #evict(): void {
    let entry = this.#hand ?? this.#oldest
    while (entry?.wasUsed === true) {
      entry.wasUsed = false
      entry = entry.newer ?? this.#oldest
    }
    if (entry === undefined) return
    this.#hand = entry.newer
    this.remove(entry)
  }
}
