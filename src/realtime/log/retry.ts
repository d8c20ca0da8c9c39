/** The first and the longest wait, in milliseconds. */
const first = 50
const longest = 5_000

/** Waits between attempts of something that fails, longer each time. Its timer does not keep the process alive. */
export class Retry {
  #timer: NodeJS.Timeout | undefined
  #wait = first
  #error: string | undefined

  /** Why it failed last, while it still fails. */
  get error(): string | undefined {
    return this.#error
  }

  /** Whether an attempt is waited for. */
  get isWaiting(): boolean {
    return this.#timer !== undefined
  }

  /** To be told that an attempt has failed; calls back for the next one. */
  failed(error: unknown, again: () => void): void {
    this.#error = String(error)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      again()
    }, this.#wait).unref()
    this.#wait = Math.min(longest, this.#wait * 2)
  }

  /** To be told that an attempt has succeeded. */
  succeeded(): void {
    this.#error = undefined
    this.#wait = first
  }

  /** Calls back no more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.succeeded()
  }
}
