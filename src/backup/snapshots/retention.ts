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

/** What decides which snapshots go. */
export interface Retention {
  limits: ResolvedLimits
  /** Milliseconds since 1970. */
  now: number
  /**
   * Until when the backup elsewhere was known to be right, in milliseconds since 1970, while it is known not to be any more; `undefined`
   * otherwise. The newest snapshot of that time then stays, or the oldest one: it may be the only good state there is.
   */
  redSince: number | undefined
}

/**
 * Which of these snapshots are over a limit: oldest ones, and never the newest.
 *
 * @param snapshots Newest first.
 */
export function overLimit(
  snapshots: readonly Snapshot[],
  { limits: { count = Infinity, age = Infinity, bytes = Infinity }, now, redSince }: Retention,
): Snapshot[] {
  let sum = 0
  const needed = lastGood(snapshots, redSince)
  return snapshots.filter((snapshot, index) => {
    sum += snapshot.bytes
    const isOver = index >= count || now - snapshot.createdAt > age || sum > bytes
    return isOver && index > 0 && snapshot !== needed
  })
}

/**
 * Which snapshots go when one was made.
 *
 * A deployment that fails is tried again and again, perhaps by a service manager, each time before the same migrations. The
 * snapshots of such a loop take the place of one another, or they would push all others out.
 *
 * @param snapshots Those that were made for the same reason, newest first, with the new one.
 */
export function replacedBy(
  { name, note }: Snapshot,
  snapshots: readonly Snapshot[],
  retention: Retention,
): Snapshot[] {
  const needed = lastGood(snapshots, retention.redSince)
  const isRepeated = (each: Snapshot): boolean =>
    each.name !== name && note !== undefined && each.note === note && each !== needed
  const others = snapshots.filter((each) => !isRepeated(each))
  return [...snapshots.filter(isRepeated), ...overLimit(others, retention)]
}

function lastGood(snapshots: readonly Snapshot[], redSince: number | undefined): Snapshot | undefined {
  if (redSince === undefined) return undefined
  return snapshots.find(({ createdAt }) => createdAt <= redSince) ?? snapshots.at(-1)
}
