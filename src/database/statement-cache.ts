import type { DriverStatement } from './driver.ts'

interface Entry {
  readonly statement: DriverStatement
  usedAgain: boolean
}

/**
 * Keeps prepared statements by their text: preparing costs several times a cached point read. When the cache is full,
 * the oldest statement that was not used again since it was last passed over is dropped (the "second chance" or clock
 * algorithm), which keeps the hot path free of list surgery.
 */
export class StatementCache {
  readonly #entries = new Map<string, Entry>()
  readonly #capacity: number
  readonly #prepare: (text: string) => DriverStatement

  constructor(capacity: number, prepare: (text: string) => DriverStatement) {
    this.#capacity = capacity
    this.#prepare = prepare
  }

  /** The prepared statement of a text. Errors of SQLite's parser pass through. */
  get(text: string): DriverStatement {
    const entry = this.#entries.get(text)
    if (entry !== undefined) {
      entry.usedAgain = true
      return entry.statement
    }
    const statement = this.#prepare(text)
    if (this.#entries.size >= this.#capacity) this.#evictOne()
    this.#entries.set(text, { statement, usedAgain: false })
    return statement
  }

  /** How many statements are kept. */
  get size(): number {
    return this.#entries.size
  }

  #evictOne(): void {
    for (const [text, entry] of this.#entries) {
      this.#entries.delete(text)
      if (!entry.usedAgain) return
      entry.usedAgain = false
      this.#entries.set(text, entry)
    }
  }
}
