import { errorCatalog, type ErrorCode } from './error-catalog.ts'
import { HandcarError } from './errors.ts'

/** An error on its way to another process; plain JSON. */
export interface Failure {
  message: string
  code?: string
  fix?: string
  stack?: string
}

/** Makes an error ready for its way to another process. One that has come from a third tells where it was thrown there. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) }
  const { message } = error
  const stack = originOf(error) ?? error.stack
  const told = stack === undefined ? {} : { stack }
  if (!(error instanceof HandcarError)) return { ...told, message: `${error.name}: ${message}` }
  const cause = error.cause instanceof Error ? error.cause.message : ''
  const whole = message.includes(cause) ? message : `${message}: ${cause}`
  return { ...told, message: whole, code: error.code, fix: error.fix }
}

/** The stack of an error that another process told; `undefined` for one of this process. */
export function originOf(error: unknown): string | undefined {
  const stack = error instanceof HandcarError ? error.details['stack'] : undefined
  return typeof stack === 'string' ? stack : undefined
}

/** Makes an error again of what another process told; a code that this version does not know becomes `otherwise`. */
export function restoreFailure({ message, code, fix, stack }: Failure, otherwise: ErrorCode): HandcarError {
  const isKnown = code !== undefined && Object.hasOwn(errorCatalog, code)
  return new HandcarError(isKnown ? (code as ErrorCode) : otherwise, message, {
    ...(fix !== undefined && { fix }),
    ...(stack !== undefined && { details: { stack } }),
  })
}
