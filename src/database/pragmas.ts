import { describe, HandcarError, nearestName } from '../core/index.ts'
import { openDriver, type DriverConnection } from './driver.ts'

/** Pragmas by name; the values as SQLite's documentation writes them. */
export type Pragmas = Readonly<Record<string, string | number>>

/**
 * What every connection is set to. Why each: `docs/operations/tuning.md`. Waiting is ours, so `busy_timeout` is 0; syncing
 * is ours, so `synchronous` is normal; checkpoints are the checkpointer's, so `wal_autocheckpoint` is 0.
 */
export const defaultPragmas: Pragmas = {
  journal_mode: 'wal',
  synchronous: 'normal',
  foreign_keys: 'on',
  busy_timeout: 0,
  temp_store: 'memory',
  mmap_size: 0,
  cache_size: -16_000,
  journal_size_limit: 64 * 1_024 ** 2,
  wal_autocheckpoint: 0,
  trusted_schema: 'off',
}

/** Pragmas that the writer, the checkpointer and the acknowledgement of writes rely on. */
const ours = new Set([
  'journal_mode',
  'synchronous',
  'busy_timeout',
  'wal_autocheckpoint',
  'query_only',
  'locking_mode',
])
/** Set on a connection that writes only: a connection that reads cannot change them. */
const ofTheFile = new Set([
  'journal_mode',
  'page_size',
  'auto_vacuum',
  'journal_size_limit',
  'application_id',
  'user_version',
])
const switches: Record<string, number> = { off: 0, no: 0, false: 0, on: 1, yes: 1, true: 1 }
/** Values that SQLite takes as words and answers as numbers. */
const words: Record<string, Record<string, number>> = {
  synchronous: { off: 0, normal: 1, full: 2, extra: 3 },
  temp_store: { default: 0, file: 1, memory: 2 },
  auto_vacuum: { none: 0, full: 1, incremental: 2 },
  secure_delete: { fast: 2 },
}

/** The names of all pragmas that SQLite knows. */
function knownPragmas(): string[] {
  const driver = openDriver(':memory:', { readonly: false })
  try {
    return driver
      .prepare('select name from pragma_pragma_list')
      .all([])
      .map((row) => (row as { name: string }).name)
  } finally {
    driver.close()
  }
}

/**
 * Sets the pragmas of a connection and reads each back.
 *
 * @throws HandcarError `HANDCAR_DATABASE_PRAGMA` when one is unknown or did not take
 */
export function applyPragmas(driver: DriverConnection, pragmas: Pragmas, readonly: boolean): void {
  if (!readonly && !('auto_vacuum' in pragmas)) makeShrinkable(driver, pragmas.page_size)
  for (const [name, value] of Object.entries(pragmas)) {
    if (readonly && ofTheFile.has(name)) continue
    driver.pragma(`${name} = ${value}`)
    const actual = driver.pragma(name, { simple: true })
    if (!isSame(name, actual, value)) {
      throw new HandcarError(
        'HANDCAR_DATABASE_PRAGMA',
        `Pragma ${name}: asked for ${value}, SQLite answers ${String(actual)}`,
      )
    }
  }
}

/** Lets a file that is only being made give back free pages later (`database.shrink`). A file that has pages keeps its ways. */
function makeShrinkable(driver: DriverConnection, pageSize: string | number | undefined): void {
  // The first look into the file settles the size of its pages.
  if (pageSize !== undefined) driver.pragma(`page_size = ${pageSize}`)
  if (driver.pragma('page_count', { simple: true }) === 0) driver.pragma('auto_vacuum = incremental')
}

/**
 * Checks the pragmas that a user wants to change, before anything is opened.
 *
 * @throws HandcarError `HANDCAR_DATABASE_PRAGMA` for a name that SQLite does not know, a value that is not a word or a
 * number, or a pragma that handcar's promises rest on
 */
export function checkPragmas(pragmas: Pragmas): void {
  const known = knownPragmas()
  for (const [name, value] of Object.entries(pragmas)) {
    if (ours.has(name)) {
      throw new HandcarError(
        'HANDCAR_DATABASE_PRAGMA',
        `Pragma ${name} is set by handcar and cannot be changed`,
        {
          fix:
            name === 'synchronous'
              ? "Choose with the option durability: 'disk' or 'os'."
              : 'Remove it from the option `pragmas`.',
        },
      )
    }
    if (!known.includes(name)) {
      const nearest = nearestName(name, known)
      throw new HandcarError('HANDCAR_DATABASE_PRAGMA', `SQLite knows no pragma "${name}"`, {
        ...(nearest && { fix: `Did you mean "${nearest}"?` }),
      })
    }
    const isPlain = typeof value === 'string' || typeof value === 'number'
    if (!isPlain || !/^-?\w+$/.test(String(value))) {
      throw new HandcarError(
        'HANDCAR_DATABASE_PRAGMA',
        `Pragma ${name}: expected a word or a whole number, got ${describe(value)}`,
      )
    }
  }
}

function isSame(name: string, actual: unknown, wanted: string | number): boolean {
  const plain = (value: unknown): string => String(value).toLowerCase()
  const meant = words[name]?.[plain(wanted)] ?? switches[plain(wanted)]
  return plain(actual) === plain(wanted) || Number(actual) === meant || actual === undefined
}
