import type { Place } from './prune-jobs.ts'
import type { Slices } from './slices.ts'
import { selectSizes } from './sql.ts'

interface Sized extends Place {
  readonly size: number
}

const end: Place = { finished_at: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER }
const atOnce = 500
/** A limit that is exceeded is cut back to this part of it, so that it is not exceeded again by the next job. */
const rest = 0.9
/** After so many looks all is measured again: jobs that ended while the clock was wrong are not after the last one. */
const mostLooks = 100

/**
 * Finds out which jobs of a state are more than a number of bytes. All of them are measured once; then only what has come since,
 * until that together could be too much.
 */
export class SizeLimit {
  readonly #state: string
  readonly #limit: number
  #looks = 0
  /** The bytes up to a place, as they were when they were measured: since then it may have become less. */
  #measured: { total: number; place: Place } | undefined

  constructor(state: string, limit: number) {
    this.#state = state
    this.#limit = limit
  }

  /** The latest job that is to go, with all before it; `undefined` when there is none. */
  async cut(slices: Slices): Promise<Place | undefined> {
    if (this.#measured !== undefined && this.#looks++ < mostLooks) {
      const { total, place } = this.#measured
      const added = await this.#measure(slices, this.#limit - total, place)
      if (added.exceeding === undefined) {
        this.#measured = { total: total + added.total, place: added.latest ?? place }
        return undefined
      }
    }
    this.#looks = 0
    const all = await this.#measure(slices, this.#limit)
    this.#measured = { total: all.total, place: all.latest ?? { finished_at: -1, id: 0 } }
    if (all.exceeding === undefined) return undefined
    const kept = await this.#measure(slices, Math.floor(this.#limit * rest))
    this.#measured = { total: kept.total, place: kept.latest ?? this.#measured.place }
    return kept.exceeding
  }

  /** Adds up from the latest job back to a place, or to the first that exceeds the limit. */
  async #measure(slices: Slices, limit: number, back?: Place) {
    let total = 0
    let latest: Place | undefined
    for (let before = end; ;) {
      const parameters = { ...before, state: this.#state, limit: atOnce }
      const jobs = await slices.read<Sized>(selectSizes, parameters)
      for (const job of jobs) {
        if (back !== undefined && !isAfter(job, back)) return { total, latest, exceeding: undefined }
        latest ??= job
        if (total + job.size > limit) return { total, latest, exceeding: job }
        total += job.size
      }
      if (jobs.length < atOnce || slices.isOver) return { total, latest, exceeding: undefined }
      before = jobs.at(-1)!
      await slices.yield()
    }
  }
}

function isAfter(one: Place, other: Place): boolean {
  return one.finished_at > other.finished_at || (one.finished_at === other.finished_at && one.id > other.id)
}
