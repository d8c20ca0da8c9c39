import type { Clock } from '../core/index.ts'

interface Timer {
  at: number
  callback: () => void
}

/** A clock that stands still until it is told to go on, for tests of anything that waits. */
export class FakeClock implements Clock {
  #now: number
  readonly #timers = new Set<Timer>()

  /** @param now Where it begins, in milliseconds since 1970. Default: 2026-01-01T00:00:00Z. */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  setTimer(callback: () => void, at: number): () => void {
    const timer = { at, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** When the next timer is due; `undefined` when none is set. */
  get nextTimer(): number | undefined {
    let next: number | undefined
    for (const { at } of this.#timers) if (next === undefined || at < next) next = at
    return next
  }

  /** Moves the clock on by some milliseconds and calls the timers that become due, in their order, each at its time. */
  advance(milliseconds: number): void {
    this.set(this.#now + milliseconds)
  }

  /** Moves the clock to a time, forwards or backwards, and calls the timers that are due by then. */
  set(time: number): void {
    for (let next = this.#takeDue(time); next !== undefined; next = this.#takeDue(time)) {
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = time
  }

  #takeDue(time: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= time && (first === undefined || timer.at < first.at)) first = timer
    }
    if (first) this.#timers.delete(first)
    return first
  }
}
