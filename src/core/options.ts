import { inspect } from 'node:util'
import { parseDuration } from './duration.ts'
import { OptionsError } from './errors.ts'
import { nearestName } from './nearest-name.ts'
import { parseSize } from './size.ts'

/** Checks the value of one option (`undefined` when it was left out) and returns the value to work with. */
export type OptionReader<Value> = (value: unknown, name: string) => Value

type Readers = Record<string, OptionReader<unknown>>
type Resolved<All extends Readers> = { readonly [Name in keyof All]: ReturnType<All[Name]> }

/**
 * Validates the options of a part: every known option is read by its reader, an unknown one is refused with the
 * nearest known name.
 *
 * @param owner What the options belong to, as users write it: `Database`, `database.write`.
 * @throws OptionsError `HANDCAR_OPTION_UNKNOWN`, `HANDCAR_OPTION_INVALID`
 */
export function readOptions<All extends Readers>(owner: string, input: unknown, readers: All): Resolved<All> {
  if (input !== undefined && (typeof input !== 'object' || input === null || Array.isArray(input))) {
    throw new OptionsError(
      'HANDCAR_OPTION_INVALID',
      `${owner} expects an object of options, got ${describe(input)}`,
    )
  }
  const given = (input ?? {}) as Record<string, unknown>
  const known = Object.keys(readers)
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw unknownOption(owner, name, known)
  }
  const resolved: Record<string, unknown> = {}
  for (const name of known) resolved[name] = readers[name]!(given[name], `${owner} option "${name}"`)
  return resolved as Resolved<All>
}

function unknownOption(owner: string, name: string, known: string[]): OptionsError {
  const nearest = nearestName(name, known)
  return new OptionsError('HANDCAR_OPTION_UNKNOWN', `${owner} has no option "${name}"`, {
    fix: nearest ? `Did you mean "${nearest}"?` : `Known options: ${known.join(', ')}.`,
    details: { option: name, nearest, known },
  })
}

/** Describes a value for an error message without printing its content at length. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') {
    return value.length > 40 ? `a string of ${value.length} characters` : `"${value}"`
  }
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`
  return `${typeof value} ${inspect(value)}`
}

/** Refuses the value of an option: `name` is what it is, `expected` what it should have been. */
export function invalidOption(name: string, expected: string, value: unknown): OptionsError {
  return new OptionsError('HANDCAR_OPTION_INVALID', `${name}: expected ${expected}, got ${describe(value)}`)
}

/** A string that is not empty; without a default the option is required. */
export function text(defaultValue?: string): OptionReader<string> {
  return (value, name) => {
    if (value === undefined && defaultValue !== undefined) return defaultValue
    if (typeof value !== 'string' || value === '')
      throw invalidOption(name, 'a string that is not empty', value)
    return value
  }
}

/** A string of at least one character without white space, such as a token. */
export const word: OptionReader<string> = matching(
  'a string without white space',
  (value): value is string => typeof value === 'string' && /^\S+$/.test(value),
)

/** `true` or `false`. */
export function flag(defaultValue: boolean): OptionReader<boolean> {
  return (value, name) => {
    if (value === undefined) return defaultValue
    if (typeof value !== 'boolean') throw invalidOption(name, 'true or false', value)
    return value
  }
}

/** One of a few strings. */
export function oneOf<const Value extends string>(
  values: readonly Value[],
  defaultValue: Value,
): OptionReader<Value> {
  return (value, name) => {
    if (value === undefined) return defaultValue
    if (!values.includes(value as Value))
      throw invalidOption(name, values.map((each) => `"${each}"`).join(' or '), value)
    return value as Value
  }
}

/** A whole number within bounds. */
export function integer(
  defaultValue: number,
  { min, max }: { min: number; max: number },
): OptionReader<number> {
  return (value, name) => {
    if (value === undefined) return defaultValue
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw invalidOption(name, `a whole number from ${min} to ${max}`, value)
    }
    return value as number
  }
}

/** A duration, in milliseconds. */
export function duration(defaultValue: number): OptionReader<number> {
  return (value, name) => {
    const parsed = value === undefined ? defaultValue : parseDuration(value)
    if (parsed === undefined)
      throw invalidOption(name, "milliseconds, or a text such as '250ms', '5s', '10m', '2h', '7d'", value)
    return parsed
  }
}

/** A size, in bytes. */
export function size(defaultValue: number): OptionReader<number> {
  return (value, name) => {
    const parsed = value === undefined ? defaultValue : parseSize(value)
    if (parsed === undefined)
      throw invalidOption(name, "a whole number of bytes, or a text such as '64kb', '256mb', '2gb'", value)
    return parsed
  }
}

/** Leaves an option that is `undefined` as it is, and reads any other value with `reader`. */
export function optional<Value>(reader: OptionReader<Value>): OptionReader<Value | undefined> {
  return (value, name) => (value === undefined ? undefined : reader(value, name))
}

/** A value that is checked by a predicate of the caller's. */
export function matching<Value>(
  expected: string,
  matches: (value: unknown) => value is Value,
): OptionReader<Value> {
  return (value, name) => {
    if (!matches(value)) throw invalidOption(name, expected, value)
    return value
  }
}

/** An `AbortSignal`, or none. */
export const signal: OptionReader<AbortSignal | undefined> = optional(
  matching('an AbortSignal', (value): value is AbortSignal => value instanceof AbortSignal),
)
