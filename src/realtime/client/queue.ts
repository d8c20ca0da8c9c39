import type { SendRequest } from '../protocol.ts'
import { RealtimeError } from './realtime-error.ts'

/** How long a message may take. */
export interface SendOptions {
  /** Milliseconds until the promise is rejected with a `TimeoutError`. Default: none, it waits for the connection. */
  timeout?: number
  /** Rejects the promise with its reason. */
  signal?: AbortSignal
}

interface Pending {
  request: SendRequest
  resolve(this: void, result: unknown): void
  reject(this: void, error: unknown): void
}

/** How long a server that was sent too much gets, in milliseconds. */
const rest = 1000

/**
 * Messages to the server, from `send` until the answer. One that has no answer when the connection is lost goes again over the
 * next, in the same order, with the key that tells the server that it is the same one. One that was given up (timeout, signal)
 * before it went never goes; one that had gone may or may not have been handled.
 *
 * Careful: a message at a time, each after the answer to the one before, until none is left. So it goes on
 * - after the server has said that it was too many at once, a moment later;
 * - after the server has closed the connection because of what it was sent (too large, malformed), which does not say which one it
 *   was: the one after which that happens again was it.
 */
export class Queue {
  readonly #limit: number
  readonly #pending = new Map<number, Pending>()
  readonly #prefix = crypto.getRandomValues(new Uint32Array(4)).join('.')
  #transmit: ((request: SendRequest) => void) | undefined
  #isCareful = false
  #resting: ReturnType<typeof setTimeout> | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#pending.size
  }

  add(
    id: number,
    channel: string,
    type: string,
    data: unknown,
    { timeout, signal }: SendOptions = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      for (const end of [signal, timeout === undefined ? timeout : AbortSignal.timeout(timeout)]) {
        end?.throwIfAborted()
        end?.addEventListener('abort', () => this.settle(id)?.reject(end.reason))
      }
      if (this.size >= this.#limit) throw new RealtimeError('full')
      // Text and back: what is sent is what it was when it was handed over, also when it is sent again.
      const text = JSON.stringify({ send: channel, type, data, id, key: `${this.#prefix}.${id}` })
      this.#pending.set(id, { request: JSON.parse(text) as SendRequest, resolve, reject })
      if (!this.#isCareful || this.size === 1) this.#send(id)
    })
  }

  /** Sends all that have no answer, and from now on what comes. */
  open(transmit: (request: SendRequest) => void): void {
    this.#transmit = transmit
    for (const id of this.#isCareful ? this.#first() : this.#pending.keys()) this.#send(id)
  }

  /** What comes waits. */
  pause(): void {
    this.#transmit = undefined
    clearTimeout(this.#resting)
    this.#resting = undefined
  }

  /** The server has refused a message, as there were too many. */
  tooMany(): void {
    this.#isCareful = true
    this.#resting ??= setTimeout(() => {
      this.#resting = undefined
      this.#next()
    }, rest)
  }

  /** The connection was closed because of what it carried. */
  refused(error: RealtimeError): void {
    if (this.#isCareful) for (const id of this.#first()) this.settle(id)!.reject(error)
    this.#isCareful = this.size > 0
  }

  /** Takes out the one that has its answer; one that was given up is not there any more. */
  settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    const [first] = this.#first()
    this.#pending.delete(id)
    if (this.#isCareful && id === first) this.#next()
    return pending
  }

  /** No answer comes any more. */
  close(error: RealtimeError): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  #next(): void {
    this.#isCareful = this.size > 0
    if (!this.#resting) this.#first().forEach((id) => this.#send(id))
  }

  #send(id: number): void {
    this.#transmit?.(this.#pending.get(id)!.request)
  }

  #first(): number[] {
    return [...this.#pending.keys()].slice(0, 1)
  }
}
