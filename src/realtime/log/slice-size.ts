/** How many messages a slice has at first, and at most. */
const first = 32
const most = 512
/** How long reading a slice should keep the event loop, in milliseconds. */
const longest = 8

/**
 * How many messages the next slice should have, so that reading it takes a few milliseconds. How long it takes to hand it out does not
 * depend on their number but on that of the clients, so that fewer would cost more.
 */
export class SliceSize {
  #messages = first

  get messages(): number {
    return this.#messages
  }

  /** To be told how many milliseconds a full slice took. */
  adapt(took: number): void {
    if (took > longest) this.#messages = Math.max(1, this.#messages >> 1)
    else if (took < longest / 4) this.#messages = Math.min(most, this.#messages << 1)
  }
}
