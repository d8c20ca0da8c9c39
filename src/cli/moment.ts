import { parseDuration } from '../core/index.ts'
import { UsageError } from './usage-error.ts'

/**
 * Reads a moment of the past: `2026-04-01T09:30:00Z`, `2026-04-01 09:30` (in the time of this machine), or `10m ago`.
 *
 * @returns milliseconds since 1970
 * @throws UsageError
 */
export function readMoment(option: string, text: string, now = Date.now()): number {
  const [, ago] = /^(.+?)\s+ago$/.exec(text) ?? []
  const moment = ago === undefined ? parseTime(text) : now - (parseDuration(ago) ?? NaN)
  if (Number.isNaN(moment))
    throw new UsageError(
      `${option}: expected a time such as 2026-04-01T09:30:00Z or "10m ago", got "${text}"`,
      'Correct the time.',
    )
  if (moment <= now) return moment
  throw new UsageError(
    `${option}: expected a time that has passed, got "${text}"`,
    'Correct the time; without Z or an offset it is in the time zone of this machine.',
  )
}

/** Only what cannot be misread: `Date.parse` also takes `1` and `04/05/26`. */
function parseTime(text: string): number {
  const [, day, time = 'T00:00'] = pattern.exec(text) ?? []
  // A day alone would be one in UTC.
  return day === undefined ? NaN : Date.parse(`${day}${time}`)
}

const pattern = /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)?)?$/
