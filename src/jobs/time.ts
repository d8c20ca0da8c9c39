import { invalidOption } from '../core/index.ts'

/** The latest time that a Date can show, in milliseconds since 1970. */
const latestTime = 8.64e15

/** The time so many milliseconds after another, as a column takes it: whole, and one that a Date can show. */
export function timeAfter(time: number, delay: number): number {
  return Math.min(Math.ceil(time + Math.max(0, delay)), latestTime)
}

/** Reads a time: a Date, or milliseconds since 1970. */
export function readTime(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time === 'number' && Math.abs(time) <= latestTime) return Math.ceil(time)
  throw invalidOption(name, 'a valid Date, or milliseconds since 1970', value)
}
