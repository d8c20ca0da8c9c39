import { stripVTControlCharacters, styleText } from 'node:util'
import { HandcarError, originOf } from '../core/index.ts'
import type { Output } from './output.ts'
import { trimStack } from './trim-stack.ts'

/**
 * Tells a person what went wrong: message, what to do about it, and the code to look up. A stack only when it was asked
 * for, or when the error is not handcar's own and nothing else would tell where it came from; that of the process in which
 * it was thrown.
 */
export function printError(error: unknown, output: Output, verbose: boolean): void {
  const { message = String(error), stack = message, code = '', cause } = (error ?? {}) as Partial<Thrown>
  const isKnown = /^(?:HANDCAR|SQLITE)_/.test(code)
  const origin = originOf(error)
  const place = isKnown ? (code === 'HANDCAR_BOOT_FAILED' ? origin : undefined) : stack
  const short = place === undefined ? message : trimStack(place)
  output.warn(`${styled('red', 'error:')} ${verbose ? (origin ?? stack) : short}`)
  if (error instanceof HandcarError) output.warn(`${styled('bold', 'fix:')}   ${error.fix}`)
  if (isKnown) output.warn(styled('dim', `code:  ${code}`))
  if (cause !== undefined && (verbose || ofTheApp.has(code))) output.warn(causeOf(cause, verbose))
}

type Thrown = Error & { code: string }

/** Errors that code of the app has caused: its author wants to know where. */
const ofTheApp = new Set(['HANDCAR_CONFIG_FAILED', 'HANDCAR_PREPARE_FAILED'])

function causeOf(cause: unknown, verbose: boolean): string {
  const { stack, message = String(cause) } = cause as Partial<Error>
  const text = stripVTControlCharacters(stack ?? message)
  return `cause: ${verbose ? text : trimStack(text)}`
}

const styled = (style: 'red' | 'bold' | 'dim', text: string): string =>
  styleText(style, text, { stream: process.stderr })
