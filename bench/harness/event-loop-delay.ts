import { Latencies } from './latencies.ts'

const intervalMs = 1

/**
 * Measures how late this process's event loop comes to what is due: a timer every millisecond, and how much later
 * than that it fired. A stall counts for every millisecond that it lasted, i.e. as a request that arrives at a
 * random moment would meet it. The resolution of Node's timers (up to 1 ms) is part of the figure.
 */
export class EventLoopDelay {
  #delays = new Latencies()
  #due = 0
  #timer: NodeJS.Timeout | undefined

  /** Starts with an empty histogram. */
  start(): void {
    this.stop()
    this.#delays = new Latencies()
    this.#schedule()
  }

  /** Ends the measurement and returns what was seen since the start. */
  stop(): Latencies {
    clearTimeout(this.#timer)
    return this.#delays
  }

  #schedule(): void {
    this.#due = performance.now() + intervalMs
    this.#timer = setTimeout(() => {
      this.#delays.recordStall(Math.max(0, performance.now() - this.#due), intervalMs)
      this.#schedule()
    }, intervalMs)
    this.#timer.unref()
  }
}
