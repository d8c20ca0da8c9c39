import { invalidOption, option, readOptions, type Duration, type Size } from '../../core/index.ts'
import type { Snapshot } from './snapshot.ts'

/** Which snapshots are kept. Those within all limits are; the newest always is. */
export interface SnapshotLimits {
  /** How many. Default: no limit. */
  count?: number
  /** How old they may be. Default: no limit. */
  age?: Duration
  /** How many bytes all of them together may take. Default: no limit. */
  bytes?: Size
}

/** The limits, in milliseconds and bytes. */
export interface ResolvedLimits {
  count?: number
  age?: number
  bytes?: number
}

/** Checks {@link SnapshotLimits}. */
export function readLimits(value: unknown, name: string): ResolvedLimits {
  const { count, age, bytes } = readOptions(name, value, {
    count: option.optional(option.integer(1, { min: 1, max: Number.MAX_SAFE_INTEGER })),
    age: option.optional(option.duration(0)),
    bytes: option.optional(option.size(0)),
  })
  if (bytes === 0) throw invalidOption(`${name} option "bytes"`, 'a size above 0', bytes)
  return {
    ...(count !== undefined && { count }),
    ...(age !== undefined && { age }),
    ...(bytes !== undefined && { bytes }),
  }
}

/**
 * Which of these snapshots are over a limit: oldest ones, and never the newest.
 *
 * @param snapshots Newest first.
 * @param now Milliseconds since 1970.
 */
export function overLimit(
  snapshots: readonly Snapshot[],
  { count = Infinity, age = Infinity, bytes = Infinity }: ResolvedLimits,
  now: number,
): Snapshot[] {
  let sum = 0
  return snapshots.filter((snapshot, index) => {
    sum += snapshot.bytes
    return index > 0 && (index >= count || now - snapshot.createdAt > age || sum > bytes)
  })
}
