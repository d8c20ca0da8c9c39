/** A stretch of time whose states a replica has. Times in milliseconds since 1970. */
export interface RestoreRange {
  /** Of Litestream 0.3, whose histories are called generations; `undefined` with 0.5, which has one. */
  generation?: string
  /** Litestream cuts times to seconds: the first state may be up to a second younger. */
  from: number
  /** When the newest state was written, cut to the second and then a second later, so that it is not before it. */
  to: number
}

/** A stretch of time of which a replica has nothing, in milliseconds since 1970. */
export interface RestoreHole {
  from: number
  /** When it goes on; `undefined` when it has not yet. */
  until: number | undefined
}

/** Which of a replica's states is restored. */
export interface RestoreChoice {
  range: RestoreRange
  /** The moment to name to Litestream; `undefined` for the newest state of the range. */
  timestamp: number | undefined
  /** Where the moment that was asked for is in such a stretch: nothing was written then, or nothing was sent. */
  hole?: RestoreHole
}

/** Litestream cuts times to this, in milliseconds. */
const precision = 1_000

/**
 * Chooses what to restore: the newest state that is not younger than `at`.
 *
 * A moment after the end of a range is one in which nothing was written, or nothing was replicated; in both cases the last state of the
 * range is the newest that is known. Litestream 0.3 refuses such a moment ("no matching backups found"), so it is not named then.
 *
 * @param at Milliseconds since 1970; `undefined` for the newest state of all.
 * @returns In the second in which a range begins nobody knows whether its first state is younger: then it comes first, and what is to be
 * restored if it is comes next. Empty when every range begins later, or there is none
 */
export function chooseRestores(ranges: readonly RestoreRange[], at: number | undefined): RestoreChoice[] {
  if (at === undefined) {
    const newest = ranges.toSorted((one, other) => other.to - one.to).slice(0, 1)
    return newest.map((range) => ({ range, timestamp: undefined }))
  }
  const begun = ranges
    .filter(({ from }) => from <= at)
    .toSorted((one, other) => other.from - one.from || other.to - one.to)
  const certain = begun.findIndex((range) => !mayBeginAfter(range, at))
  const chosen = certain === -1 ? begun : begun.slice(0, certain + 1)
  return chosen.map((range) =>
    at < range.to
      ? { range, timestamp: at }
      : { range, timestamp: undefined, hole: holeAfter(range, at, ranges) },
  )
}

function holeAfter({ to }: RestoreRange, at: number, ranges: readonly RestoreRange[]): RestoreHole {
  const later = ranges.map(({ from }) => from).filter((from) => from > at)
  return { from: to, until: later.length === 0 ? undefined : Math.min(...later) }
}

/** Whether the first state of a range may be younger than a moment that is not before its beginning as far as it is known. */
export function mayBeginAfter({ from }: RestoreRange, at: number): boolean {
  return at < from + precision
}

/** The oldest and the newest moment of several ranges. */
export function spanOf(ranges: readonly RestoreRange[]): { from: number; to: number } | undefined {
  if (ranges.length === 0) return undefined
  return { from: Math.min(...ranges.map(({ from }) => from)), to: Math.max(...ranges.map(({ to }) => to)) }
}
