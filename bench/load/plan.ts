/** One kind of request, and what a right answer to it looks like. */
export interface RequestPlan {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Statuses of a right answer, before redirects. */
  readonly statuses: readonly number[]
  /** Text that a right answer with a body ends with or contains near its end: `</html>`. */
  readonly marker?: string
  /** Follow one redirect, as `hey` does: both requests count as one, with the time of both. */
  readonly follow?: boolean
  /** Whether the row that is asked for may have been destroyed by another request meanwhile: 404 is then no failure. */
  readonly mayBeGone?: boolean
  /** Where the id of what was created is found, for the audit: the redirect's path, or the body of the answer. */
  readonly acknowledgedBy?: 'location' | 'body'
}

/** One stream of requests: a closed loop of `clients`, or an open one of `rate` requests a second. */
export interface StreamPlan {
  readonly name: string
  readonly request: RequestPlan
  readonly clients?: number
  readonly rate?: number
  /** Whether each request comes on a connection of its own. Default: `false`, connections are kept. */
  readonly newConnections?: boolean
  /** Whether each request is told one by one, in `StreamResult.requests`. Default: `false` */
  readonly tellsRequests?: boolean
}

/** What the load generator is asked to do. */
export interface LoadPlan {
  readonly origin: string
  /** Until then, or until it is stopped. */
  readonly seconds: number
  readonly streams: readonly StreamPlan[]
  /** How long an answer may take, in milliseconds. Default: 20,000. */
  readonly timeout?: number
}

/** One request, when all are told. */
export interface ToldRequest {
  /** When it was due, or sent; milliseconds of `Date.now()`, with fractions. */
  readonly since: number
  readonly milliseconds: number
  /** As in `StreamResult.outcomes`. */
  readonly outcome: string
  readonly hasFailed: boolean
}

/** What came of one stream. */
export interface StreamResult {
  readonly name: string
  readonly seconds: number
  /** Answered requests, right or wrong. */
  readonly count: number
  /** Per outcome: `200`, `302>404` (a redirect followed), `ECONNRESET`, `wrong body`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Requests with a right answer. */
  readonly right: number
  /** Requests answered 404 because another request had destroyed the row. */
  readonly gone: number
  /** All the others: a wrong status, a wrong body, no answer. */
  readonly failed: number
  /** Encoded `Latencies` of every answered request, right or wrong. */
  readonly latencies: string
  /** Encoded `Latencies` per outcome. */
  readonly latenciesByOutcome: Readonly<Record<string, string>>
  /** What the server said that it had created. */
  readonly acknowledged: readonly string[]
  /** Empty unless they are told. */
  readonly requests: readonly ToldRequest[]
}

/** How long an answer may take, in milliseconds. */
export function patience({ timeout = 20_000 }: LoadPlan): number {
  return timeout
}
