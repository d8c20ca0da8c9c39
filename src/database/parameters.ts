import { describe, StatementError } from '../core/index.ts'
import type { DriverParameters } from './driver.ts'

/** A value that can be bound to a statement. Booleans are stored as 1 and 0. */
export type SqlParameter = string | number | bigint | boolean | null | Uint8Array

/** The values of a statement: by position (`?`) or by name (`:id`, `@id`, `$id`; without the prefix). */
export type SqlParameters = readonly SqlParameter[] | Readonly<Record<string, SqlParameter>>

const longestString = 1_000_000_000 / 4
const smallestInteger = -(2n ** 63n)
const largestInteger = 2n ** 63n - 1n

/**
 * Checks values before they reach the driver, which would store `NaN` as null and say little about the rest.
 * Returns the same array when nothing has to be converted.
 *
 * @throws StatementError `HANDCAR_PARAMETER`
 */
export function checkParameters(parameters: SqlParameters): DriverParameters {
  if (!Array.isArray(parameters)) return checkNamed(parameters as Record<string, SqlParameter>)
  for (let index = 0; index < parameters.length; index++) {
    const value: unknown = parameters[index]
    if (typeof value === 'string' && value.length <= longestString) continue
    if (typeof value === 'number' && Number.isFinite(value)) continue
    if (value === null) continue
    return Array.from(parameters, (each: unknown, position) => checkParameter(each, position + 1))
  }
  return parameters
}

function checkNamed(parameters: Record<string, unknown>): DriverParameters {
  if (typeof parameters !== 'object' || parameters === null) {
    throw new StatementError(
      'HANDCAR_PARAMETER',
      `Expected an array or an object of parameters, got ${describe(parameters)}`,
    )
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, checkParameter(value, name)]),
  )
}

function checkParameter(value: unknown, position: number | string): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  const problem = problemWith(value)
  if (problem === undefined) return value
  throw new StatementError(
    'HANDCAR_PARAMETER',
    `Parameter ${position} cannot be bound: got ${describe(value)}`,
    {
      fix: problem,
      details: { position },
    },
  )
}

function problemWith(value: unknown): string | undefined {
  if (value === null || value instanceof Uint8Array) return undefined
  if (typeof value === 'string')
    return value.length <= longestString ? undefined : 'Store a text this long in pieces, or as a file.'
  if (typeof value === 'number')
    return Number.isFinite(value)
      ? undefined
      : 'SQLite has no NaN and no Infinity; bind null or a finite number.'
  if (typeof value === 'bigint') {
    return value >= smallestInteger && value <= largestInteger
      ? undefined
      : 'SQLite integers have 64 bits; store larger ones as text.'
  }
  if (value === undefined) return 'Bind null for a missing value.'
  if (value instanceof Date) return 'Bind date.getTime() (milliseconds) or date.toISOString().'
  return 'Bind JSON.stringify(value) for a structure.'
}
