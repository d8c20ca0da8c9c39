/** How much more a client may do of something: a bucket of tokens, which is full at first and filled at the rate that is allowed. */
export class Allowance {
  #left = Infinity
  #at = 0

  /**
   * Takes one token; `false` when there is none.
   *
   * @param now In milliseconds.
   * @param rate Tokens per second.
   * @param most Tokens that may be saved up.
   */
  take(now: number, rate: number, most: number): boolean {
    const grown = (Math.max(0, now - this.#at) * rate) / 1_000
    this.#left = Math.min(most, this.#left + grown)
    this.#at = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
