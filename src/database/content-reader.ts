import { createHash, type Hash } from 'node:crypto'
import { queriesAfterKey, queryFromStart, type ContentTable } from './content-tables.ts'
import type { DriverConnection, DriverStatement } from './driver.ts'

/** Rows of a table that follow one another, and what they were. */
export interface ContentSlice {
  /** Hash of all values of all rows. */
  hash: string
  rows: number
  /** The key of the last row; `undefined` where there is no row. */
  lastKey: unknown[] | undefined
  /** Whether there is nothing after it. */
  isEnd: boolean
}

/** When a read ends, beside the end of the table. */
export interface SliceLimits {
  /** After so many rows. */
  rows: number
  /** After so many milliseconds, but not before the first row. Default: never. */
  time?: number
}

/** How many characters are collected before they are hashed. */
const chunk = 65_536

/**
 * Reads the rows of a table in the order of its key, in single short reads: each ends its snapshot with its last row. An integer is
 * distinguished from a number with a point, and a text from a blob.
 */
export class ContentReader {
  readonly #table: ContentTable
  readonly #start: DriverStatement
  readonly #after: { statement: DriverStatement; after: number }[]

  constructor(driver: DriverConnection, table: ContentTable) {
    const prepare = (text: string): DriverStatement => driver.prepare(text).raw(true).safeIntegers(true)
    this.#table = table
    this.#start = prepare(queryFromStart(table))
    this.#after = queriesAfterKey(table).map(({ text, after }) => ({ statement: prepare(text), after }))
  }

  /** The rows after a key, `undefined` for the first ones. */
  read(key: unknown[] | undefined, { rows: mostRows, time = Infinity }: SliceLimits): ContentSlice {
    const endAt = performance.now() + time
    const digest = new RowDigest()
    let lastKey: unknown[] | undefined
    for (const row of this.#rowsAfter(key)) {
      if (digest.rows >= mostRows) return { ...digest.end(), lastKey, isEnd: false }
      const values = row as unknown[]
      digest.add(values)
      lastKey = values.slice(0, this.#table.key.length)
      if (performance.now() >= endAt) return { ...digest.end(), lastKey, isEnd: false }
    }
    return { ...digest.end(), lastKey, isEnd: true }
  }

  *#rowsAfter(key: unknown[] | undefined): Generator<unknown> {
    if (key === undefined) yield* this.#start.iterate([])
    else for (const { statement, after } of this.#after) yield* statement.iterate(key.slice(0, after))
  }
}

/** The hash of rows. Values are told apart by their type and length, so that no two lists of rows are the same text. */
class RowDigest {
  readonly #hash: Hash = createHash('sha256')
  #text = ''
  rows = 0

  add(values: readonly unknown[]): void {
    this.rows++
    for (const value of values) {
      if (value === null) this.#text += 'n'
      else if (typeof value === 'bigint') this.#text += `i${value};`
      else if (typeof value === 'number') this.#text += `r${value};`
      else if (typeof value === 'string') this.#text += `s${value.length}:${value}`
      else this.#addBlob(value as Buffer)
    }
    this.#text += '\n'
    if (this.#text.length >= chunk) this.#flush()
  }

  end(): { hash: string; rows: number } {
    this.#flush()
    return { hash: this.#hash.digest('base64url').slice(0, 27), rows: this.rows }
  }

  #addBlob(blob: Buffer): void {
    this.#text += `b${blob.length}:`
    this.#flush()
    this.#hash.update(blob)
  }

  #flush(): void {
    this.#hash.update(this.#text)
    this.#text = ''
  }
}
