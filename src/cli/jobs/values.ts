import { parseDuration } from '../../core/index.ts'
import { UsageError } from '../usage-error.ts'

/** Reads ids of jobs. */
export function readIds(words: readonly string[]): number[] {
  return words.map(readId)
}

/** Reads the id of a job. */
export function readId(word: string): number {
  if (/^\d{1,15}$/.test(word) && Number(word) > 0) return Number(word)
  throw new UsageError(`expected the id of a job, got "${word}"`, 'Find it by `handcar jobs list`.')
}

/**
 * Reads a time: a span before (or after) now, such as `2h`, or a date, such as `2026-11-20T09:30` in local time.
 *
 * @param sign -1 for spans before now, 1 for spans after it.
 */
export function readMoment(option: string, text: string, sign: -1 | 1): Date {
  if (text === 'now') return new Date()
  const span = parseDuration(text)
  if (span !== undefined) return new Date(Date.now() + sign * span)
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text
  const time = /^\d{4}-/.test(date) ? Date.parse(date) : Number.NaN
  if (!Number.isNaN(time)) return new Date(time)
  throw new UsageError(
    `${option}: expected a span such as 2h, or a time such as 2026-11-20T09:30, got "${text}"`,
    'Correct the time.',
  )
}

/** Reads JSON. */
export function readJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(
      `${what}: expected JSON, got ${text} (${(error as Error).message})`,
      `Quote it for the shell: '{ "userId": 1 }'.`,
    )
  }
}

/** Reads a number that may be below 0. */
export function readInteger(option: string, text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`${option}: expected a whole number, got "${text}"`, 'Correct the number.')
}

/** Reads a list with commas. */
export function readList(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
