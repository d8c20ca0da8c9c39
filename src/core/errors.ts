import { errorCatalog, type ErrorCode } from './error-catalog.ts'

/** What an error knows beside its message. */
export interface ErrorDetails {
  /** What to do about it. Default: the general cure of the code. */
  fix?: string
  /** Plain values for logs and dashboards; never a secret. */
  details?: Record<string, unknown>
  /** The error that led to this one. */
  cause?: unknown
}

/**
 * The error of every refusal and failure that handcar itself finds. `message` says what was expected and what was got,
 * `fix` what to do, `code` never changes between versions. Errors of the user's own SQL pass through untouched.
 */
export class HandcarError extends Error {
  /** Stable name of the failure, listed in `docs/reference/errors.md`. */
  readonly code: ErrorCode
  /** What to do about it. */
  readonly fix: string
  /** Plain values for logs and dashboards. */
  readonly details: Record<string, unknown>

  constructor(code: ErrorCode, message: string, { fix, details = {}, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.fix = fix ?? errorCatalog[code].fix
    this.details = details
  }
}

/** An option or an argument is wrong; thrown before anything happens. */
export class OptionsError extends HandcarError {}

/** A method was called in a state in which it cannot work, such as before `start()`. */
export class StateError extends HandcarError {}

/** An SQL statement or one of its parameters cannot be used where it was given. */
export class StatementError extends HandcarError {}

/** A transaction was used outside the moment in which it exists. */
export class TransactionScopeError extends HandcarError {}

/** The database could not take the write in time; the same write may succeed later. */
export class BusyError extends HandcarError {}

/** Something took longer than its time limit and was ended. */
export class TimeoutError extends HandcarError {}

/** A file is damaged, foreign or gone. */
export class CorruptionError extends HandcarError {}

/** The migrations of the code and of the database do not fit together, or one failed. */
export class MigrationError extends HandcarError {}

/** Something that has to be installed is missing. */
export class MissingToolError extends HandcarError {}
