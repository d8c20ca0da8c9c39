/** More than so many things that wait are given up: a process that cannot read its log would keep them all. */
const most = 10_000

interface Waiting {
  readonly after: number
  readonly work: () => void
}

/** Work that has to wait until the messages up to an offset were delivered here; in the order in which it was given. */
export class Held {
  readonly #position: () => number
  #waiting: Waiting[] = []

  /** @param position The offset that is reached. */
  constructor(position: () => number) {
    this.#position = position
  }

  /** Works now, if the offset is reached, or when it is. */
  run(after: number, work: () => void): void {
    if (after <= this.#position()) work()
    else if (this.#waiting.length < most) this.#waiting.push({ after, work })
  }

  /** Does what need not wait any longer. */
  release(upTo: number = this.#position()): void {
    if (this.#waiting.length === 0) return
    const due = this.#waiting.filter(({ after }) => after <= upTo)
    this.#waiting = this.#waiting.filter(({ after }) => after > upTo)
    for (const { work } of due) work()
  }
}
