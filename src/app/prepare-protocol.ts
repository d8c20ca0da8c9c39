import { errorCatalog, HandcarError, type ErrorCode } from '../core/index.ts'
import type { Manifest } from './manifest.ts'
import type { EnvironmentName } from './config.ts'

/** What a process that prepares a release is told, as JSON in its first argument. */
export interface PrepareOrder {
  /** Real path of the app's folder. */
  folder: string
  /** Real path of the data folder of the release that runs. */
  data: string
  defaultEnvironment: EnvironmentName
}

/** What a process that prepares a release tells. */
export type PrepareReport =
  | { type: 'progress'; message: string }
  | { type: 'prepared'; manifest: Manifest }
  | { type: 'failed'; failure: Failure }

/** An error on its way to another process. */
export interface Failure {
  message: string
  code?: string
  fix?: string
  stack?: string
}

/** Makes an error ready for its way to another process. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) }
  const { message, stack } = error
  const told = stack === undefined ? { message } : { message, stack }
  return error instanceof HandcarError ? { ...told, code: error.code, fix: error.fix } : told
}

/** Makes an error again of what another process told; a code that this version does not know becomes a general one. */
export function restoreFailure({ message, code, fix, stack }: Failure): HandcarError {
  const isKnown = code !== undefined && Object.hasOwn(errorCatalog, code)
  return new HandcarError(isKnown ? (code as ErrorCode) : 'HANDCAR_PREPARE_FAILED', message, {
    ...(fix !== undefined && { fix }),
    ...(stack !== undefined && { details: { stack } }),
  })
}
