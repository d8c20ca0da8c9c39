/** How many messages a slice has at first, and at most. */
const first = 32
const most = 512
/** How long a slice should keep the event loop, in milliseconds. */
const longest = 8

/** How many messages the next slice should have, so that reading and delivering it takes a few milliseconds. */
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
