import { StateError } from '../../core/index.ts'
import type { StoredError } from './step-store.ts'

const longest = 8_192

/** A step is used in a way that could not be remembered. */
export function misuse(message: string, fix?: string): StateError {
  return new StateError('HANDCAR_JOB_STEP', message, fix === undefined ? {} : { fix })
}

/** A stored step was of another kind: what it left behind is not what the code of now expects. */
export function otherKind(name: string, kind: string, expected: string): StateError {
  return misuse(
    `Step "${name}" is remembered as a ${kind} and is a ${expected} now`,
    'Give it a new name: what an older version of the code has stored under this one does not fit.',
  )
}

/** Describes what a step has failed with, which may be anything. */
export function storedErrorOf(error: unknown): StoredError {
  if (!(error instanceof Error)) return { name: '', message: String(error), stack: undefined }
  const { name, message, stack } = error
  return { name, message: message.slice(0, longest), stack: stack?.slice(0, longest) }
}

/** The error of a step that has failed for good: the same at its last try and in every attempt after it. */
export function stepFailed(step: string, tries: number, { name, message, stack }: StoredError): StateError {
  const cause = new Error(message)
  if (name !== '') cause.name = name
  if (stack !== undefined) cause.stack = stack
  const times = tries === 1 ? 'its only try' : `${tries} tries`
  return new StateError('HANDCAR_JOB_STEP_FAILED', `Step "${step}" failed after ${times}: ${String(cause)}`, {
    details: { step, tries },
    cause,
  })
}

/** A job has gone on although one of its steps had failed, and nobody had said that it may. */
export function wentOn(error: unknown): StateError {
  const message = error instanceof Error ? String(error) : storedErrorOf(error).message
  return new StateError(
    'HANDCAR_JOB_STEP_FAILED',
    `The job went on although a step of it failed: ${message}`,
    {
      cause: error,
    },
  )
}
