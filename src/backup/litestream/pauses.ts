/** So many ends within this many milliseconds are an alarm. */
const alarm = { ends: 3, within: 60_000 }
const shortest = 1_000
const longest = 60_000

/** When to start Litestream again: after 1 s, 2 s, 4 s … 60 s; after 1 s again once it has run for a minute. It never gives up. */
export class Pauses {
  /** `performance.now()` of the last ends. */
  #ends: number[] = []
  #inARow = 0

  /** Whether it keeps ending. */
  get isAlarm(): boolean {
    return this.#ends.length >= alarm.ends
  }

  /**
   * It has ended, or could not be started.
   *
   * @param now In milliseconds, like `lifetime`.
   * @returns milliseconds until it is to be started again
   */
  ended(now: number, lifetime: number): number {
    this.#ends = [...this.#ends.filter((at) => now - at < alarm.within), now]
    this.#inARow = lifetime >= alarm.within ? 1 : this.#inARow + 1
    return Math.min(longest, shortest * 2 ** (this.#inARow - 1))
  }

  /** It runs. What was is forgotten when that has lasted for a minute. */
  runs(lifetime: number): void {
    if (lifetime >= alarm.within) this.#ends = []
  }
}
