import { describe } from './options.ts'

/**
 * Writes a value as JSON, as `JSON.stringify` does, but refuses what JSON would lose without a word: `undefined` in an array, `NaN`,
 * functions, Map and Set, cycles. `undefined` as a property is left out; an object with `toJSON` (such as a Date) becomes what
 * that returns; `undefined` itself is `null`.
 *
 * @returns the text, or what is wrong: `not JSON: "user.age" is number NaN`, `nested too deeply`
 */
export function writeJson(value: unknown): { text: string; problem?: undefined } | { problem: string } {
  if (value === undefined) return { text: 'null' }
  try {
    const problem = findProblem(value, '', undefined)
    return problem === undefined
      ? { text: JSON.stringify(value) ?? 'null' }
      : { problem: `not JSON: ${problem}` }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { problem: 'nested too deeply' }
  }
}

/** The way down to a value: `''`, `user`, `user.tags[2]`. Built only when something is wrong. */
interface Place {
  readonly parent: Place | undefined
  readonly object: object
  readonly key: string | number
}

function findProblem(value: unknown, key: string | number, parent: Place | undefined): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : at(parent, value)
    case 'object':
      return value === null ? undefined : findProblemInObject(value, key, parent)
    case 'undefined':
      return parent !== undefined && Array.isArray(parent.object) ? at(parent, value) : undefined
    default:
      return at(parent, value)
  }
}

function findProblemInObject(
  object: object,
  key: string | number,
  parent: Place | undefined,
): string | undefined {
  if (isWithin(object, parent)) return `${pathOf(parent)} refers back to an object that contains it`
  if (object instanceof Date && Number.isNaN(object.getTime())) return `${pathOf(parent)} is an invalid Date`
  if ('toJSON' in object && typeof object.toJSON === 'function') {
    return findProblem(object.toJSON(String(key)), key, parent)
  }
  if (Array.isArray(object)) {
    for (let index = 0; index < object.length; index++) {
      const problem = findProblem(object[index], index, { parent, object, key: index })
      if (problem !== undefined) return problem
    }
    return undefined
  }
  if (object instanceof Map || object instanceof Set || ArrayBuffer.isView(object)) return at(parent, object)
  for (const key in object) {
    const value = (object as Record<string, unknown>)[key]
    // The place is only needed below an object, or when something is wrong.
    if (typeof value === 'string' || typeof value === 'boolean') continue
    const problem = findProblem(value, key, { parent, object, key })
    if (problem !== undefined) return problem
  }
  return undefined
}

function isWithin(object: object, parent: Place | undefined): boolean {
  for (let place = parent; place !== undefined; place = place.parent) if (place.object === object) return true
  return false
}

function at(place: Place | undefined, value: unknown): string {
  return `${pathOf(place)} is ${describe(value)}`
}

function pathOf(place: Place | undefined): string {
  let path = ''
  for (let step = place; step !== undefined; step = step.parent) {
    path = typeof step.key === 'number' ? `[${step.key}]${path}` : `.${step.key}${path}`
  }
  return path === '' ? 'it' : `"${path.replace(/^\./, '')}"`
}
