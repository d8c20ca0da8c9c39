import BetterSqlite3 from 'better-sqlite3'

/**
 * The only file that names the driver. The interfaces below are the part of better-sqlite3 that handcar relies on, so
 * that another driver could stand in by implementing them.
 */

/** What `run()` reports. */
export interface RunResult {
  /** Rows inserted, updated or deleted by the statement itself (not by triggers or foreign keys). */
  changes: number
  /** The rowid of the last inserted row. */
  lastInsertRowid: number | bigint
}

/** Values of a statement, by position or by name. */
export type DriverParameters = readonly unknown[] | Readonly<Record<string, unknown>>

/** A prepared statement. */
export interface DriverStatement {
  /** Whether the statement returns rows. */
  readonly reader: boolean
  /** Whether SQLite says that the statement cannot change the database. */
  readonly readonly: boolean
  get(parameters: DriverParameters): unknown
  all(parameters: DriverParameters): unknown[]
  run(parameters: DriverParameters): RunResult
  iterate(parameters: DriverParameters): IterableIterator<unknown>
  raw(asArrays: boolean): this
  /** Whether integers are given as bigint, exactly. */
  safeIntegers(on: boolean): this
  columns(): { name: string }[]
}

/** One open connection to a database file. */
export interface DriverConnection {
  readonly inTransaction: boolean
  readonly open: boolean
  prepare(text: string): DriverStatement
  exec(text: string): void
  pragma(text: string, options?: { simple: boolean }): unknown
  loadExtension(path: string): void
  close(): void
}

interface DriverOptions {
  readonly?: boolean
  fileMustExist?: boolean
  timeout?: number
}

const Driver = BetterSqlite3 as {
  new (path: string, options: DriverOptions): DriverConnection
  SqliteError: new (message: string, code: string) => Error
}

/**
 * Opens a connection. Two connections that open together can meet `SQLITE_BUSY_RECOVERY`, so opening waits up to five
 * seconds inside SQLite; afterwards the caller sets its own `busy_timeout`.
 */
export function openDriver(
  path: string,
  { readonly, mustExist = readonly }: { readonly: boolean; mustExist?: boolean },
): DriverConnection {
  return new Driver(path, { readonly, fileMustExist: mustExist, timeout: 5_000 })
}

/** Whether an error is SQLite saying that a lock is taken, in any of its extended forms. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_BUSY')
}

/** SQLite's extended result code of an error, such as `SQLITE_CONSTRAINT_UNIQUE`; empty for any other error. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : ''
}

/** Makes an error of SQLite's again that was reported by another process. */
export function sqliteError(message: string, code: string): Error {
  return new Driver.SqliteError(message, code)
}
