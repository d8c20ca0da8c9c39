import { randomBytes } from 'node:crypto'

/**
 * Makes ids of requests: 96 random bits of the process and a number that counts up. Nobody can guess one from outside, two
 * processes never share one, and an id costs a fraction of a UUID.
 */
export class RequestIds {
  readonly #prefix = `${randomBytes(12).toString('base64url')}-`
  #last = 0

  /** The id of the next request. */
  next(): string {
    return this.#prefix + (++this.#last).toString(36)
  }
}

/** Whether an id that a proxy sent may stand in a log line and in a header. */
export function isSaneRequestId(id: unknown): id is string {
  return typeof id === 'string' && /^[\w.-]{1,128}$/.test(id)
}
