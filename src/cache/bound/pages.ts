import type { Database } from '../../database/index.ts'
import { readFreePages, readPageCount, readPageSize } from '../sql.ts'

/** What may be written before the pages are counted again, far below the bound: many processes at once stay below it. */
const uncountedShare = 0.02
const uncountedWrites = 32
const uncountedTime = 500
/** From this share of the bound on every write counts the pages, and it is worth knowing what was used when. */
const pressure = 0.6
/** From this share on each write makes room for what it brings. */
const soft = 0.98
/** Free bytes that are worth giving back, whatever the size of the file. */
const muchFree = 1_024 ** 2

/** The pages of the file, as SQLite counts them, beside how many there may be. */
export class Pages {
  readonly #maxBytes: number
  #size = 4_096
  #used = 0
  #free = 0
  /** Bytes and transactions written since the pages were counted. */
  #uncountedBytes = 0
  #uncountedWrites = 0
  #countedAt = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** How many are in use, at the last count. */
  get used(): number {
    return this.#used
  }

  /** How many may be in use. */
  get most(): number {
    return Math.floor(this.#maxBytes / this.#size)
  }

  /** Bytes in use, at the last count. */
  get bytes(): number {
    return this.#used * this.#size
  }

  /** Bytes of the file that are free. */
  get freeBytes(): number {
    return this.#free * this.#size
  }

  /** Whether so much of the file is free that it should be given back. */
  get areMuchFree(): boolean {
    return this.freeBytes > muchFree && this.#free > this.#used / 4
  }

  /** Whether so many are in use that something may have to go before long. */
  get isPressing(): boolean {
    return this.#used > this.most * pressure
  }

  /** Whether so many bytes more are well within the bound. */
  haveRoom(bytes: number): boolean {
    return this.#used + Math.ceil(bytes / this.#size) <= this.most * soft
  }

  /** Counts them, and asks how large they are. */
  measure(database: Pick<Database, 'get'>): void {
    this.#size = read(database, readPageSize)
    this.count(database)
  }

  count(database: Pick<Database, 'get'>): void {
    this.#free = read(database, readFreePages)
    this.#used = read(database, readPageCount) - this.#free
    this.#uncountedBytes = 0
    this.#uncountedWrites = 0
    this.#countedAt = performance.now()
  }

  /**
   * Notes that so many bytes were written, and tells whether to count again. Far below the bound that is done now and then only: it is half
   * of the price of a small write.
   */
  mustCount(bytes: number): boolean {
    this.#uncountedBytes += bytes
    this.#uncountedWrites++
    return (
      this.isPressing ||
      this.#uncountedBytes > this.most * this.#size * uncountedShare ||
      this.#uncountedWrites > uncountedWrites ||
      performance.now() - this.#countedAt > uncountedTime
    )
  }
}

/** The only column of the only row. */
function read(database: Pick<Database, 'get'>, pragma: string): number {
  return Object.values(database.get<Record<string, number>>(pragma)!)[0]!
}
