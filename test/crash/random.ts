/**
 * Random numbers that can be had again: a test prints the seed that it ran with, and `HANDCAR_SEED` makes the same
 * decisions once more. When a signal arrives is up to the kernel all the same, so a seed repeats the schedule, not the
 * nanosecond.
 */
export class Random {
  readonly seed: number
  #state: number

  constructor(seed: number = Number(process.env.HANDCAR_SEED ?? Date.now() % 1_000_000_007)) {
    this.seed = seed
    this.#state = seed >>> 0
  }

  /** At least 0, less than 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, at least `from`, less than `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from))
  }

  /** `true` in this share of all calls. */
  chance(share: number): boolean {
    return this.next() < share
  }

  /** One of a list. */
  pick<Value>(values: readonly Value[]): Value {
    return values[this.between(0, values.length)]!
  }
}
