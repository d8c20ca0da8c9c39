import {
  parsePosition,
  type ClientMessage,
  type closeCodes,
  type ErrorMessage,
  type PositionText,
} from '../protocol.ts'
import type { NameIn, ParamsArgument, TypedChannel, TypesIn } from './client-types.ts'
import { openConnection, type Connection, type ConnectionEvent } from './connection.ts'
import { Emitter, type Off } from './emitter.ts'
import { nameOf } from './name-of.ts'
import type { ConnectionState, ConnectOptions } from './options.ts'
import { openQueue, type Queue, type SendOptions } from './queue.ts'
import { RealtimeError } from './realtime-error.ts'
import { Subscription, type SubscriptionOwner } from './subscription.ts'

/** Options of `channel`. */
export interface ChannelOptions {
  /** What the page shows already: `realtime.position()` of the server, read together with its rows. Default: from now on. */
  from?: PositionText
  /** Joins the presence of the channel with this metadata (JSON). */
  presence?: unknown
}

/** Until a subscribe is tried again that has failed for a reason that may pass, at most, in milliseconds. */
const retryWithin = 10_000
/** Closed because of what was sent, also by `ws` itself (1009, RFC 6455). */
const blamed: readonly unknown[] = [1009, 4009, 4400] satisfies (
  | 1009
  | (typeof closeCodes)[keyof typeof closeCodes]
)[]

/** The connection of a page to its server, with its channels. Made by {@link connect}. */
export class RealtimeClient<Channels = unknown> implements SubscriptionOwner {
  readonly #connection: Connection
  readonly #queue: Queue
  readonly #heard = new Emitter()
  readonly #subscriptions = new Map<string, Subscription>()
  #lastId = 0
  #isOpen = false

  /** @internal */
  constructor(url: URL, options: ConnectOptions) {
    this.#queue = openQueue(options.maxQueue ?? 1000, (request) => this.#connection.transmit(request))
    this.#connection = openConnection(url, options, (event) => this.#received(event))
  }

  /** Whether there is a connection. */
  get state(): ConnectionState {
    return this.#connection.state
  }

  /** How many sent messages have no answer yet. */
  get pending(): number {
    return this.#queue.size
  }

  /** Calls back when the state has changed. */
  onState(listener: (state: ConnectionState) => unknown): Off {
    return this.#heard.on('state', listener)
  }

  /**
   * Begins to listen to a channel: `channel('room/:id', { id: 1 }, { from })`, or with its whole name, `channel('room/1', {})`.
   *
   * @throws TypeError when a parameter is missing, or `from` is no position
   * @throws RealtimeError after `close()`
   */
  channel<Name extends NameIn<Channels>>(
    name: Name,
    ...[params, options]: [...ParamsArgument<TypesIn<Channels, Name>>, options?: ChannelOptions]
  ): TypedChannel<TypesIn<Channels, Name>> {
    if (this.state === 'closed') throw closed()
    const { from, presence } = (options as ChannelOptions | undefined) ?? {}
    const position = from === undefined ? from : parsePosition(from)
    if (from !== undefined && !position) throw new TypeError(`from: expected a position, got "${from}"`)
    const channel = nameOf(name, (params ?? {}) as Record<string, unknown>)
    let subscription = this.#subscriptions.get(channel)
    if (!subscription) this.#subscriptions.set(channel, (subscription = new Subscription(channel, this)))
    return subscription.add(position, presence) as unknown as TypedChannel<TypesIn<Channels, Name>>
  }

  /** Asks the server for a sign of life, or comes back at once, as it is done when a page is looked at again. */
  check(): void {
    this.#connection.check()
  }

  /** Ends the connection for ever. What was sent and has no answer is rejected with `closed`. */
  close(): void {
    this.#connection.close()
  }

  /** @internal Numbers of requests, each given once. */
  nextId(): number {
    return ++this.#lastId
  }

  /** @internal */
  transmit(message: ClientMessage): void {
    if (this.#isOpen) this.#connection.transmit(message)
  }

  /** @internal */
  async queue(channel: string, type: string, data: unknown, options?: SendOptions): Promise<unknown> {
    if (this.state === 'closed') throw closed()
    return this.#queue.add(this.nextId(), channel, type, data, options)
  }

  /** @internal */
  forget({ name }: Subscription): void {
    this.#subscriptions.delete(name)
  }

  #received(event: ConnectionEvent): void {
    const of = (name: string): Subscription | undefined => this.#subscriptions.get(name)
    if ('channel' in event) of(event.channel)?.received(event.type, event.data, event.offset)
    else if ('subscribed' in event) of(event.subscribed)?.confirmed(event)
    else if ('gap' in event) of(event.gap)?.gap(parsePosition(event.position)!)
    else if ('presence' in event) of(event.presence)?.presenceChanged(event)
    else if ('ack' in event) this.#queue.settle(event.ack)?.resolve(event.result)
    else if ('error' in event) this.#refused(event)
    else if ('bye' in event) this.#queue.pause()
    else if ('unsubscribed' in event) {
      if (event.code) of(event.unsubscribed)?.ended(new RealtimeError(event.code, event.reason))
    } else if ('position' in event)
      this.#each((subscription) => subscription.reached(parsePosition(event.position)!))
    else if ('opened' in event) {
      this.#isOpen = true
      this.#each((subscription) => subscription.subscribe())
      this.#queue.open()
    } else if ('lost' in event) {
      this.#interrupt()
      if (blamed.includes(event.lost)) this.#queue.blame(new RealtimeError('too-large'))
    } else if ('state' in event) {
      if (event.state === 'closed') {
        this.#interrupt()
        this.#queue.close(closed())
        this.#each((subscription) => subscription.ended(closed()))
      }
      this.#heard.emit('state', event.state)
    }
  }

  #refused({ id, error: { code, message } }: ErrorMessage): void {
    // Only a connection that is about to be closed says this; the next one takes it.
    if (!id || code === 'stopping') return
    const error = new RealtimeError(code, message)
    if (code === 'limit') this.#queue.tooMany()
    else this.#queue.settle(id)?.reject(error)
    this.#each((subscription) => {
      if (subscription.id !== id) return
      if (code === 'failed') setTimeout(() => subscription.retry(id), retryWithin * Math.random())
      else subscription.ended(error)
    })
  }

  #interrupt(): void {
    this.#isOpen = false
    this.#queue.pause()
    this.#each((subscription) => subscription.interrupted())
  }

  #each(call: (subscription: Subscription) => void): void {
    for (const subscription of this.#subscriptions.values()) call(subscription)
  }
}

function closed(): RealtimeError {
  return new RealtimeError('closed')
}

/**
 * Connects to a server, and again whenever the connection is lost.
 *
 * ```ts
 * const realtime = connect<typeof channels>('/realtime')
 * const live = realtime.channel('room/:id', { id: 1 }, { from: position })
 * live.on('posted', (post) => show(post))
 * live.onGap(() => location.reload())
 * await live.send('say', { text: 'Hello' })
 * ```
 *
 * Each message after `from` comes exactly once, in order, whatever becomes of the connection; or `onGap` is called. What is sent is
 * sent until it is answered, and handled once.
 *
 * @param url Default: `/realtime` of the page's server. In Node it is a whole URL.
 * @throws TypeError when it is no URL
 */
export function connect<Channels = unknown>(
  url: string | URL = '/realtime',
  options: ConnectOptions = {},
): RealtimeClient<Channels> {
  const { location } = globalThis as { location?: { href: string } }
  return new RealtimeClient(new URL(String(url).replace(/^ws/, 'http'), location?.href), options)
}
