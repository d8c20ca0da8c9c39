/** How long a process must have lived for its end to count as an accident and not as part of a crash loop, in milliseconds. */
const stableAfter = 10_000
/** After so many short lives in a row it is a crash loop. */
const crashLoop = 3

/**
 * When to start again what has ended: at once after a long life; after short ones at 0.1 s, 0.2 s, 0.4 s … up to `longest`. It
 * never gives up, because causes such as a full disk pass.
 */
export class Backoff {
  readonly #longest: number
  #shortLives = 0

  /** @param longest Milliseconds. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Whether it keeps ending soon after its start. */
  get isCrashLoop(): boolean {
    return this.#shortLives >= crashLoop
  }

  /** Whether the end that was told last was the one that made it a crash loop. */
  get hasJustBecomeCrashLoop(): boolean {
    return this.#shortLives === crashLoop
  }

  /** Tells of an end after `lifetime` milliseconds; gives the milliseconds to wait before the next start. */
  ended(lifetime: number): number {
    this.#shortLives = lifetime >= stableAfter ? 0 : this.#shortLives + 1
    return this.#shortLives <= 1 ? 0 : Math.min(this.#longest, 100 * 2 ** (this.#shortLives - 2))
  }
}
