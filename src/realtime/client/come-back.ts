/** Longest waits: after the first failure, and after many, in milliseconds. */
const first = 1000
const longest = 30_000

/**
 * When to connect again. A server that goes away says to each client when to come back; otherwise it is a random time below a limit
 * that doubles with each failure ("full jitter"), so that the clients of a server that died do not come at once, nor in waves.
 */
export class ComeBack {
  /** Attempts since the last good connection. A connection that breaks soon is none. */
  attempts = 0
  #at: number | undefined

  /** The server said when. */
  bye(milliseconds: number): void {
    this.attempts = 0
    this.#at = performance.now() + milliseconds
  }

  /** How long to wait, in milliseconds, now that the connection is over. */
  closed(): number {
    const at = this.#at
    this.#at = undefined
    return at === undefined
      ? Math.random() * Math.min(longest, first * 2 ** this.attempts++)
      : Math.max(0, at - performance.now())
  }
}
