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
  /** Ends what waits for its signals. */
  ended: AbortController
  request: SendRequest
  resolve(this: void, result: unknown): void
  reject(this: void, error: unknown): void
}

/** How long a server that was sent too much gets, in milliseconds. */
const rest = 1000

/** Messages to the server that have no answer yet. */
export interface Queue {
  readonly size: number
  add(
    id: number,
    channel: string,
    type: string,
    data: unknown,
    options: SendOptions | undefined,
  ): Promise<unknown>
  /** Sends all that have no answer, and from now on what comes. */
  open(): void
  /** What comes waits. */
  pause(): void
  /** The server has refused a message, as there were too many. */
  tooMany(): void
  /** The connection was closed because of what it carried. */
  blame(error: RealtimeError): void
  /** Takes out the one that has its answer; one that was given up is not there any more. */
  settle(id: number): Pending | undefined
  /** No answer comes any more. */
  close(error: RealtimeError): void
}

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
export function openQueue(limit: number, transmit: (request: SendRequest) => void): Queue {
  const all = new Map<number, Pending>()
  const prefix = crypto.getRandomValues(new Uint32Array(4)).join('.')
  let isOpen = false
  let isCareful = false
  let resting: ReturnType<typeof setTimeout> | undefined

  const send = ({ request }: Pending): void => {
    if (isOpen) transmit(request)
  }
  const first = (): Pending[] => [...all.values()].slice(0, 1)
  const next = (): void => {
    isCareful = all.size > 0
    if (!resting) first().forEach(send)
  }
  const settle = (id: number): Pending | undefined => {
    const [before] = first()
    const pending = all.get(id)
    all.delete(id)
    pending?.ended.abort()
    if (isCareful && pending === before) next()
    return pending
  }

  return {
    get size() {
      return all.size
    },
    settle,
    add: (id, channel, type, data, { timeout, signal } = {}) =>
      new Promise((resolve, reject) => {
        const ended = new AbortController()
        for (const end of [signal, timeout === undefined ? timeout : AbortSignal.timeout(timeout)]) {
          end?.throwIfAborted()
          end?.addEventListener('abort', () => settle(id)?.reject(end.reason), ended)
        }
        if (all.size >= limit) throw new RealtimeError('full')
        // Text and back: what is sent is what it was when it was handed over, also when it is sent again.
        const text = JSON.stringify({ send: channel, type, data, id, key: `${prefix}.${id}` })
        const pending = { request: JSON.parse(text) as SendRequest, ended, resolve, reject }
        all.set(id, pending)
        if (!isCareful || all.size === 1) send(pending)
      }),
    open() {
      isOpen = true
      for (const pending of isCareful ? first() : all.values()) send(pending)
    },
    pause() {
      isOpen = false
    },
    tooMany() {
      isCareful = true
      resting ??= setTimeout(() => {
        resting = undefined
        next()
      }, rest)
    },
    blame(error) {
      if (isCareful) for (const { request, reject } of first()) reject((settle(request.id), error))
      isCareful = all.size > 0
    },
    close(error) {
      for (const { reject } of all.values()) reject(error)
      all.clear()
    },
  }
}
