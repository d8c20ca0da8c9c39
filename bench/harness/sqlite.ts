import BetterSqlite3 from 'better-sqlite3'

/** As much of better-sqlite3's API as the benchmarks use; the package ships no types. */
export interface RawDatabase {
  prepare(text: string): RawStatement
  exec(text: string): unknown
  pragma(text: string, options?: { simple: boolean }): unknown
  close(): unknown
}

/** A prepared statement of the driver. */
interface RawStatement {
  get(...parameters: unknown[]): unknown
  all(...parameters: unknown[]): unknown[]
  run(...parameters: unknown[]): { changes: number; lastInsertRowid: number | bigint }
  iterate(...parameters: unknown[]): Iterable<unknown>
}

/** The driver's options that the benchmarks use. `timeout` is SQLite's busy timeout, waited for in C. */
interface RawOptions {
  readonly timeout?: number
  readonly readonly?: boolean
}

type Constructor = new (path: string, options?: RawOptions) => RawDatabase

const Driver = BetterSqlite3 as Constructor

/** Opens a file with the bare driver: what an application without handcar does. */
export function openRaw(path: string, options: RawOptions = {}): RawDatabase {
  return new Driver(path, options)
}

/** The one value of a statement's first row. */
export function scalar(database: RawDatabase, text: string, ...parameters: unknown[]): unknown {
  const row = database.prepare(text).get(...parameters) as Record<string, unknown> | undefined
  return row && Object.values(row)[0]
}
