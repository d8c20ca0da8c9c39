import type { Loop } from './engine.ts'

/** What runs while the part works: begun in order, ended in reverse, any number of times. */
export class Loops {
  readonly #loops: readonly Loop[]
  readonly #started: Loop[] = []
  #isWanted = false
  #start: Promise<void> = Promise.resolve()
  /** Resolves when the start or the stop that was asked for last is over, however it went. */
  #settled: Promise<void> = Promise.resolve()

  constructor(loops: readonly Loop[]) {
    this.#loops = loops
  }

  /** Whether it was begun and not ended. */
  get isRunning(): boolean {
    return this.#isWanted
  }

  /** Begins, unless it has begun. When one loop fails those before it are ended, and it may be tried again. */
  start(): Promise<void> {
    if (this.#isWanted) return this.#start
    this.#isWanted = true
    this.#start = this.#settled.then(() => this.#startAll())
    this.#settled = this.#start.catch(() => {})
    return this.#start
  }

  /** Ends within so many milliseconds; resolves when everything has ended, also when somebody else ended it. */
  stop(timeout: number): Promise<void> {
    if (this.#isWanted) {
      const endAt = performance.now() + timeout
      this.#isWanted = false
      this.#settled = this.#settled.then(() => this.#stopAll(endAt))
    }
    return this.#settled
  }

  async #startAll(): Promise<void> {
    try {
      for (const loop of this.#loops) {
        await loop.start()
        this.#started.push(loop)
      }
    } catch (error) {
      this.#isWanted = false
      await this.#stopAll(0)
      throw error
    }
  }

  async #stopAll(endAt: number): Promise<void> {
    for (const loop of this.#started.splice(0).toReversed())
      await loop.stop(Math.max(0, endAt - performance.now()))
  }
}
