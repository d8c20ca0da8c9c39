/** Longest waits: after the first failure, and after many, in milliseconds. */
const first = 1000
const longest = 30_000

/** When to connect again. */
export interface ComeBack {
  /** Attempts since the last good connection. A connection that breaks soon is none. */
  attempts: number
  /** The server said when, in milliseconds. */
  bye(milliseconds: number): void
  /** How long to wait, in milliseconds, now that the connection is over. */
  next(): number
}

/**
 * A server that goes away says to each client when to come back; otherwise it is a random time below a limit that doubles with each
 * failure ("full jitter"), so that the clients of a server that died do not come at once, nor in waves.
 */
export function comeBack(): ComeBack {
  let at = 0
  return {
    attempts: 0,
    bye(milliseconds) {
      this.attempts = 0
      at = performance.now() + milliseconds
    },
    next() {
      const appointed = at
      at = 0
      return appointed
        ? Math.max(0, appointed - performance.now())
        : Math.random() * Math.min(longest, first * 2 ** this.attempts++)
    },
  }
}
