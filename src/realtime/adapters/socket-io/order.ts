/**
 * The order in which a server says things, of which some are stored and others not: what is not stored waits for the commits before it, and
 * is then told with the offset that they had, so that nobody handles it before them.
 */
export class Order {
  #tail: Promise<void> | undefined
  #last = 0

  /** Something is being stored. Never rejects. */
  storing(written: Promise<number>): void {
    this.#append(
      written.then(
        (offset) => void (this.#last = Math.max(this.#last, offset)),
        () => {},
      ),
    )
  }

  /** Works after all that was stored before, now if nothing is underway; gets the offset of the last of it. */
  run(work: (after: number) => void): void {
    if (this.#tail === undefined) work(this.#last)
    else this.#append(this.#tail.then(() => work(this.#last)))
  }

  /** Begins anew: the log has. */
  reset(): void {
    this.#last = 0
  }

  #append(next: Promise<void>): void {
    const tail = this.#tail === undefined ? next : Promise.all([this.#tail, next]).then(() => {})
    this.#tail = tail
    void tail.then(() => {
      if (this.#tail === tail) this.#tail = undefined
    })
  }
}
