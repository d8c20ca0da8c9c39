/** How a naive database begins a transaction and waits for the write lock. */
export interface NaiveMode {
  begin: 'begin' | 'begin immediate'
  /** Milliseconds that SQLite waits inside C, where nothing else of the process can run. */
  timeout: number
  /** Milliseconds for which a busy statement is tried again every millisecond, while the process goes on. */
  retryFor: number
}

/** The four ways in which apps use SQLite without handcar; LOREM_NEWS_DATABASE_MODE names them. */
export const naiveModes = {
  /** What drivers and query builders do unasked: a transaction that turns into a write fails when another one writes. */
  deferred: { begin: 'begin', timeout: 0, retryFor: 0 },
  /** The first advice: a busy timeout. It does not help a transaction that read before it writes. */
  'deferred-timeout': { begin: 'begin', timeout: 5_000, retryFor: 0 },
  /** The second advice: take the lock at once. Nothing fails, but the whole process stands still while it waits. */
  'immediate-timeout': { begin: 'begin immediate', timeout: 5_000, retryFor: 0 },
  /** The third: wait outside of SQLite, one millisecond at a time, as Rails does since 8.0. */
  'immediate-retry': { begin: 'begin immediate', timeout: 0, retryFor: 5_000 },
} as const satisfies Record<string, NaiveMode>
