import { CorruptionError, HandcarError } from '../core/index.ts'
import { sqliteCode } from './driver.ts'

/** Turns what SQLite says while a database is opened into an error with a cure; anything else passes through. */
export function explainOpenError(error: unknown, path: string): unknown {
  const code = sqliteCode(error)
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new CorruptionError(
      'HANDCAR_DATABASE_CORRUPT',
      `${path} is not an SQLite database, is encrypted, or is damaged (${code})`,
      { cause: error },
    )
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) {
    return new HandcarError('HANDCAR_DATABASE_READ_ONLY', `${path} cannot be opened for writing (${code})`, {
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') {
    return new HandcarError('HANDCAR_DISK_FULL', `There is no room to open ${path} (${code})`, {
      cause: error,
    })
  }
  return error
}
