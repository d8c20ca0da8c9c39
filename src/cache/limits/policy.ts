/** How much is allowed in how long a time, in milliseconds. */
export interface Policy {
  readonly limit: number
  readonly window: number
}

/** What an algorithm makes of a question. */
export interface Verdict {
  readonly isAllowed: boolean
  /** How much would still be allowed now. */
  readonly remaining: number
  /** When everything is allowed again, in milliseconds since 1970. */
  readonly resetAt: number
  /** In how many milliseconds that is. */
  readonly resetAfter: number
  /** In how many milliseconds the same would be allowed; 0 when it is. */
  readonly retryAfter: number
  /** What is to be remembered, when it was allowed. */
  readonly state: string
  /** Whether the state was of a time that is yet to come, as the clock was put back: it is to be remembered even when it was not allowed. */
  readonly wasAhead: boolean
}

/** Reads a state; `undefined` when there is none, or none that can be read. */
export function readNumbers(state: string | undefined): number[] | undefined {
  if (state === undefined) return undefined
  try {
    const numbers: unknown = JSON.parse(state)
    return Array.isArray(numbers) && numbers.every(Number.isFinite) ? (numbers as number[]) : undefined
  } catch {
    return undefined
  }
}
