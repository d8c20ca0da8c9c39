import { errorCatalog, HandcarError, type ErrorCode } from '../core/index.ts'
import type { Failure } from './protocol.ts'

/** Makes an error ready for the journey to another process. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) }
  const { message, stack } = error
  if (!(error instanceof HandcarError)) return { message: `${error.name}: ${message}`, stack }
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return {
    message: message.includes(cause) ? message : message + cause,
    code: error.code,
    fix: error.fix,
    stack,
  }
}

/** Makes an error again of what another process told. */
export function restoreFailure(failure: Failure, otherwise: ErrorCode): HandcarError {
  const known = failure.code !== undefined && failure.code in errorCatalog
  return new HandcarError(known ? failure.code! : otherwise, failure.message, {
    fix: failure.fix,
    details: failure.stack === undefined ? {} : { stack: failure.stack },
  })
}
