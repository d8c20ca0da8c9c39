import { HandcarError } from '../../core/index.ts'

/** The code of an error of SQLite's or of handcar's, or of what caused it. */
export function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  const own = typeof code === 'string' ? code : ''
  const isVague =
    own === '' || own === 'HANDCAR_TRANSACTION_ROLLED_BACK' || own === 'HANDCAR_MIGRATION_FAILED'
  return isVague && error instanceof Error && cause !== undefined ? codeOf(cause) : own
}

/** The codes of mistakes in the code; what JavaScript itself throws has none. */
const bugs = new Set([
  '',
  'HANDCAR_PARAMETER',
  'HANDCAR_STATEMENT_WRITES',
  'HANDCAR_STATEMENT_CONTROL',
  'HANDCAR_TRANSACTION_PENDING',
  'HANDCAR_TRANSACTION_CLOSED',
  'HANDCAR_TRANSACTION_NESTED',
])

/**
 * Whether an error is no failure of the storage but a mistake in the code: what JavaScript itself throws, and statements or transactions
 * that are used wrongly.
 */
export function isBug(error: unknown): boolean {
  // A text in a damaged file may be no JSON.
  return bugs.has(codeOf(error)) && !(error instanceof SyntaxError)
}

/** Whether an error says that the file is damaged. */
export function isDamage(code: string): boolean {
  return (
    code.startsWith('SQLITE_CORRUPT') ||
    code === 'SQLITE_NOTADB' ||
    code === 'HANDCAR_DATABASE_CORRUPT' ||
    code === 'SQLITE_ERROR'
  )
}

/** Whether an error says that there is no room. */
export function isFull(code: string): boolean {
  return code === 'SQLITE_FULL' || code === 'HANDCAR_DISK_FULL' || code.startsWith('SQLITE_IOERR')
}

/** Whether an error is about the options, and has to be told to whoever starts the cache. */
export function isMistake(error: unknown): boolean {
  return error instanceof HandcarError && !isDamage(error.code) && !isFull(error.code)
}
