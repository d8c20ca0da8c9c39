/** How many rows the first of many writes has. */
const first = 32
/** How long one may hold the write lock, in milliseconds. */
const longest = 5

/** How many rows the next of many writes should have, so that each holds the lock for a few milliseconds. */
export class SliceSize {
  #rows = first
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get rows(): number {
    return this.#rows
  }

  /** To be told how many milliseconds a write with so many rows took. */
  adapt(took: number): void {
    if (took > longest) this.#rows = Math.max(1, this.#rows >> 1)
    else if (took < longest / 2) this.#rows = Math.min(this.#most, this.#rows << 1)
  }
}
