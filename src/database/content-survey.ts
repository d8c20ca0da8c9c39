import { setTimeout as sleep } from 'node:timers/promises'
import { ContentReader } from './content-reader.ts'
import { describeContent, listContentTables, type ContentTable } from './content-tables.ts'
import { openDriver, type DriverConnection } from './driver.ts'

/** How two databases compare. Rows are counted where the survey has seen them. */
export interface ContentReport {
  /** Rows of the database. */
  rows: number
  /** How many of them did not change while it was surveyed, and so can be compared. */
  compared: number
  /** Tables in which rows that did not change are other ones in the second database. */
  differences: string[]
  /** Tables that cannot be read in the order of a key. */
  skipped: string[]
  /** Whether tables, indexes, triggers and views are the same as they were all the time; `undefined` when they changed meanwhile. */
  hasSameSchema: boolean | undefined
  /** The longest read of the database, in milliseconds. */
  longestRead: number
}

/** Rows that follow one another, and the hashes that they had. */
interface Range {
  table: string
  from: unknown[] | undefined
  rows: number
  isLast: boolean
  readonly seen: Set<string>
}

/** How long one read of the database takes, in milliseconds: it keeps the WAL from being begun anew. */
const readTime = 4
/**
 * How many rows a range has: few, so that a row that changes keeps few others from being compared, and more the larger the table is, so that
 * the ranges of a large table are not too many to remember.
 */
const fewRows = 200
const mostRanges = 1_000
/** What stands for the hash of rows that are not there, or of a table that is gone. */
const nothing = ''

/**
 * What a database that is in use contains, as hashes of ranges of rows, to be compared with a copy of it. The database is read in short
 * reads with pauses as long as they take. A range whose hash is the same at the beginning and at the end of a time is taken not to have
 * changed in it; a copy made meanwhile must then have that hash as well.
 *
 * Rows that change and change back look as if they had never changed. So when ranges differ they are only suspected: `watch` looks at
 * these again and again while another copy is made, and what shows more than one hash, or the one of the copy, is no difference.
 */
export class ContentSurvey implements Disposable {
  readonly #driver: DriverConnection
  readonly #extensions: readonly string[]
  readonly #tables: ContentTable[]
  readonly #skipped: string[]
  readonly #schemas = new Set<string>()
  #ranges: Range[] = []
  #suspects: Range[] = []
  #rows = 0
  #longestRead = 0
  #owed = 0
  #watching: Promise<void> | undefined
  #isWatching = false

  constructor(path: string, extensions: readonly string[]) {
    this.#extensions = extensions
    this.#driver = open(path, extensions)
    const { tables, skipped } = listContentTables(this.#driver)
    this.#tables = tables
    this.#skipped = skipped
  }

  /** Reads all tables for the first time. */
  async begin(): Promise<void> {
    this.#noteSchema()
    for (const table of this.#tables) {
      const reader = new ContentReader(this.#driver, table)
      let tableRows = 0
      for (let from: unknown[] | undefined, isEnd = false; !isEnd;) {
        const limits = { rows: Math.max(fewRows, Math.floor(tableRows / mostRanges)), time: readTime }
        const slice = await this.#timed(() => reader.read(from, limits))
        const { hash, rows, lastKey } = slice
        ;({ isEnd } = slice)
        this.#ranges.push({ table: table.name, from, rows, isLast: isEnd, seen: new Set([hash]) })
        this.#rows += rows
        tableRows += rows
        from = lastKey
      }
    }
  }

  /** Looks again and again at the ranges that differed. Resolves when it has looked once. */
  async watch(): Promise<void> {
    this.#ranges = this.#suspects.map((range) => ({ ...range, seen: new Set<string>() }))
    await this.#again()
    this.#isWatching = true
    this.#watching = this.#keepLooking()
  }

  /** Reads the same ranges again, and compares what has not changed with another database, which nobody else has open. */
  async compare(path: string): Promise<ContentReport> {
    this.#isWatching = false
    await this.#watching
    this.#watching = undefined
    await this.#again()
    this.#noteSchema()
    const copy = open(path, this.#extensions)
    try {
      const hasSameSchema = this.#schemas.size > 1 ? undefined : this.#schemas.has(describeContent(copy))
      if (hasSameSchema === true) this.#compareWith(copy)
      return {
        rows: this.#rows,
        compared: hasSameSchema === true ? this.#rows - this.#changed : 0,
        differences: [...new Set(this.#suspects.map(({ table }) => table))],
        skipped: this.#skipped,
        hasSameSchema,
        longestRead: this.#longestRead,
      }
    } finally {
      copy.close()
    }
  }

  [Symbol.dispose](): void {
    this.#isWatching = false
    this.#driver.close()
  }

  get #changed(): number {
    return this.#ranges.filter(({ seen }) => seen.size > 1).reduce((sum, { rows }) => sum + rows, 0)
  }

  async #keepLooking(): Promise<void> {
    while (this.#isWatching) {
      await sleep(20)
      await this.#again()
    }
  }

  async #again(): Promise<void> {
    const readers = this.#readersOf(this.#driver)
    for (const range of this.#ranges)
      range.seen.add(await this.#timed(() => hashOf(readers(range.table), range)))
  }

  #compareWith(copy: DriverConnection): void {
    const readers = this.#readersOf(copy)
    this.#suspects = this.#ranges.filter(
      (range) => range.seen.size === 1 && !range.seen.has(hashOf(readers(range.table), range)),
    )
  }

  #readersOf(driver: DriverConnection): (table: string) => ContentReader | undefined {
    const readers = new Map<string, ContentReader>()
    return (name) => {
      if (!readers.has(name)) {
        const table = this.#tables.find((each) => each.name === name)!
        try {
          readers.set(name, new ContentReader(driver, table))
        } catch {
          // The table is gone, or another one; the schema tells of it.
          return undefined
        }
      }
      return readers.get(name)
    }
  }

  #noteSchema(): void {
    this.#schemas.add(describeContent(this.#driver))
  }

  /** Reads, and pauses for as long as that took, or several reads together. */
  async #timed<Result>(read: () => Result): Promise<Result> {
    const startedAt = performance.now()
    const result = read()
    const took = performance.now() - startedAt
    this.#longestRead = Math.max(this.#longestRead, took)
    this.#owed += took
    if (this.#owed >= readTime) {
      await sleep(this.#owed)
      this.#owed = 0
    }
    return result
  }
}

/** The hash of as many rows as were in a range, from where it began. */
function hashOf(reader: ContentReader | undefined, { from, rows, isLast }: Range): string {
  const slice = reader?.read(from, { rows })
  return slice === undefined || (isLast && !slice.isEnd) ? nothing : slice.hash
}

function open(path: string, extensions: readonly string[]): DriverConnection {
  const driver = openDriver(path, { readonly: true })
  for (const extension of extensions) driver.loadExtension(extension)
  return driver
}
