import { round } from './statistics.ts'

/** A promise, and whether this run kept it. `null` where it could not be measured; the note says why. */
export interface Target {
  readonly name: string
  readonly target: string
  readonly value: number | null
  readonly met: boolean | null
  readonly note?: string
}

type Comparison = '<' | '≤' | '≥' | '>'

const holds: Record<Comparison, (value: number, limit: number) => boolean> = {
  '<': (value, limit) => value < limit,
  '≤': (value, limit) => value <= limit,
  '≥': (value, limit) => value >= limit,
  '>': (value, limit) => value > limit,
}

/** Compares a measured value with what was promised. A value that is not a number keeps no promise. */
export function target(
  name: string,
  value: number,
  comparison: Comparison,
  limit: number,
  unit = '',
  note?: string,
): Target {
  return {
    name,
    target: `${comparison} ${limit}${unit ? ` ${unit}` : ''}`,
    value: Number.isNaN(value) ? null : round(value),
    met: holds[comparison](value, limit),
    ...(note === undefined ? {} : { note }),
  }
}

/** A promise that this machine could not put to the test. */
export function untested(name: string, promised: string, reason: string): Target {
  return { name, target: promised, value: null, met: null, note: reason }
}
