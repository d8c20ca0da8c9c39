import { isDeepStrictEqual } from 'node:util'

/** A value of which fields of objects may be left out. */
export type PartOf<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { [Name in keyof Value]?: PartOf<Value[Name]> }
    : Value

/** Whether a value has everything that is expected; lists have to be equal. */
export function isPart(expected: unknown, value: unknown): boolean {
  if (!isObject(expected) || !isObject(value)) return isDeepStrictEqual(expected, value)
  return Object.entries(expected).every(([name, each]) => isPart(each, value[name]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
