import { HandcarError } from '../core/index.ts'
import type { Connection } from './connection.ts'
import { openDriver } from './driver.ts'

/** The SQLite library in use. */
export interface SqliteReport {
  /** `3.54.1` */
  version: string
  /** As `PRAGMA compile_options` lists them. */
  compileOptions: string[]
}

/** The oldest SQLite without the bug that corrupts a WAL during a reset (https://sqlite.org/wal.html#walresetbug). */
const oldestVersion = [3, 51, 3] as const

/** Reads version and compile options of the SQLite library. */
export function reportSqlite(connection: Connection): SqliteReport {
  const { version } = connection.get('select sqlite_version() as version', []) as { version: string }
  const compileOptions = connection
    .pragmaRows<{ compile_options: string }>('compile_options')
    .map((row) => row.compile_options)
  return { version, compileOptions }
}

/** Reads version and compile options of the SQLite library without a database. */
export function sqliteLibrary(): SqliteReport {
  const driver = openDriver(':memory:', { readonly: false })
  try {
    const { version } = driver.prepare('select sqlite_version() as version').get([]) as { version: string }
    const options = driver.pragma('compile_options') as { compile_options: string }[]
    return { version, compileOptions: options.map((row) => row.compile_options) }
  } finally {
    driver.close()
  }
}

/**
 * Refuses an SQLite that can corrupt a WAL database.
 *
 * @throws HandcarError `HANDCAR_SQLITE_VERSION`
 */
export function assertVersion(version: string): void {
  if (isSafeVersion(version)) return
  throw new HandcarError('HANDCAR_SQLITE_VERSION', `SQLite ${version} is too old: expected 3.51.3 or newer`, {
    details: { version },
  })
}

/** Whether a version of SQLite, such as `3.54.1`, is free of the bug that corrupts a WAL database. */
export function isSafeVersion(version: string): boolean {
  const numbers = version.split('.').map(Number)
  const differing = oldestVersion.findIndex((oldest, index) => numbers[index] !== oldest)
  return differing === -1 || numbers[differing]! > oldestVersion[differing]!
}
