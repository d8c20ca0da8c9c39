/** A step that cannot go on before the job was suspended. */
export interface Parked {
  readonly name: string
  /** When it can go on; `undefined`: when it is woken. */
  readonly wakeAt: number | undefined
}

interface Waiting extends Parked {
  readonly reject: (thrown: unknown) => void
}

/**
 * What of an attempt runs at this moment, and what is parked beside it. When nothing runs any more, the job is suspended: what is
 * parked is thrown out.
 */
export class InFlight {
  #running = 0
  #parked: Waiting[] = []
  #isClosed = false
  #onIdle: (() => void) | undefined
  readonly #suspend: (parked: readonly Parked[]) => unknown

  /** @param suspend Returns what is thrown at what is parked. */
  constructor(suspend: (parked: readonly Parked[]) => unknown) {
    this.#suspend = suspend
  }

  /** Runs something that is waited for. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running++
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Waits, without being waited for, until the job is suspended. */
  async park({ name, wakeAt }: Parked): Promise<never> {
    try {
      return await new Promise<never>((_, reject) => {
        this.#parked.push({ name, wakeAt, reject })
        this.#leave()
      })
    } finally {
      this.#running++
    }
  }

  /** Waits until nothing runs. What is parked then stays so for ever. */
  async close(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    this.#isClosed = true
  }

  #leave(): void {
    this.#running--
    if (this.#running > 0) return
    this.#onIdle?.()
    // Not in this turn: what has just ended may lead to a further step.
    if (this.#parked.length > 0) setImmediate(() => this.#suspendParked())
  }

  #suspendParked(): void {
    if (this.#running > 0 || this.#parked.length === 0 || this.#isClosed) return
    const parked = this.#parked.splice(0)
    const thrown = this.#suspend(parked)
    for (const { reject } of parked) reject(thrown)
  }
}
