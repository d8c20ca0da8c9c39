import { elapsed, setDelay, type Clock } from '../../core/index.ts'
import type { OwnEntry } from './entry.ts'

/** Deadlines are rounded up to this, in milliseconds, so that many that come one after the other are written together. */
const step = 50

/**
 * The entries whose connection has gone, until their grace is over: a page that is loaded anew, or a network that fails for a
 * second, does not show as leaving and coming. Nothing is written meanwhile.
 */
export class Departures {
  readonly #clock: Clock
  readonly #onDue: (entries: OwnEntry[]) => void
  readonly #leaving = new Map<OwnEntry, number>()
  #timer: (() => void) | undefined
  #timerAt = Infinity

  /** @param onDue Called with the entries whose grace is over. */
  constructor(clock: Clock, onDue: (entries: OwnEntry[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get size(): number {
    return this.#leaving.size
  }

  /** Begins the grace of an entry, in milliseconds; one that is leaving already keeps its time. */
  add(entry: OwnEntry, grace: number): void {
    if (this.#leaving.has(entry)) return
    const dueAt = Math.ceil((elapsed(this.#clock) + grace) / step) * step
    this.#leaving.set(entry, dueAt)
    if (dueAt < this.#timerAt) this.#setTimer(dueAt)
  }

  /** The entry stays after all. */
  cancel(entry: OwnEntry): void {
    this.#leaving.delete(entry)
  }

  /** In how many milliseconds the grace of an entry is over; `undefined` when its connection is there. */
  dueIn(entry: OwnEntry): number | undefined {
    const dueAt = this.#leaving.get(entry)
    return dueAt === undefined ? undefined : Math.max(0, dueAt - elapsed(this.#clock))
  }

  /** Forgets all. */
  clear(): void {
    this.#timer?.()
    this.#timerAt = Infinity
    this.#leaving.clear()
  }

  #setTimer(at: number): void {
    this.#timer?.()
    this.#timerAt = at
    this.#timer = setDelay(this.#clock, () => this.#ring(), Math.max(0, at - elapsed(this.#clock)))
  }

  #ring(): void {
    const now = Math.max(elapsed(this.#clock), this.#timerAt)
    this.#timerAt = Infinity
    const due: OwnEntry[] = []
    let next = Infinity
    for (const [entry, at] of this.#leaving) {
      if (at <= now) due.push(entry)
      else next = Math.min(next, at)
    }
    for (const entry of due) this.#leaving.delete(entry)
    if (next < Infinity) this.#setTimer(next)
    if (due.length > 0) this.#onDue(due)
  }
}
