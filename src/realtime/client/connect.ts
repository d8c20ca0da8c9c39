import { parsePosition, type closeCodes, type ErrorMessage, type PositionText } from '../protocol.ts'
import type { NameIn, ParamsArgument, TypedChannel, TypesIn } from './client-types.ts'
import { openConnection, type ConnectionEvent } from './connection.ts'
import { newEmitter, type Off } from './emitter.ts'
import { nameOf } from './name-of.ts'
import type { ConnectionState, ConnectOptions } from './options.ts'
import { openQueue } from './queue.ts'
import { RealtimeError } from './realtime-error.ts'
import { newSubscription, type Subscription, type SubscriptionOwner } from './subscription.ts'

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
export interface RealtimeClient<Channels = unknown> {
  /** Whether there is a connection. */
  readonly state: ConnectionState
  /** How many sent messages have no answer yet. */
  readonly pending: number
  /** Calls back when the state has changed. */
  onState(listener: (state: ConnectionState) => unknown): Off
  /**
   * Begins to listen to a channel: `channel('room/:id', { id: 1 }, { from })`, or with its whole name, `channel('room/1', {})`.
   *
   * @throws TypeError when a parameter is missing, or `from` is no position
   * @throws RealtimeError after `close()`
   */
  channel<Name extends NameIn<Channels>>(
    name: Name,
    ...rest: [...ParamsArgument<TypesIn<Channels, Name>>, options?: ChannelOptions]
  ): TypedChannel<TypesIn<Channels, Name>>
  /** Asks the server for a sign of life, or comes back at once, as it is done when a page is looked at again. */
  check(): void
  /** Ends the connection for ever. What was sent and has no answer is rejected with `closed`. */
  close(): void
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
  const address = new URL(String(url).replace(/^ws/, 'http'), location?.href)
  const heard = newEmitter()
  const subscriptions = new Map<string, Subscription>()
  let lastId = 0
  let isOpen = false

  const closed = (): RealtimeError => new RealtimeError('closed')
  const nextId = (): number => ++lastId
  const each = (call: (subscription: Subscription) => void): void => subscriptions.forEach(call)
  const owner: SubscriptionOwner = {
    nextId,
    transmit: (message) => isOpen && connection.transmit(message),
    async queue(...message) {
      if (connection.state === 'closed') throw closed()
      return queue.add(nextId(), ...message)
    },
    forget: (name) => subscriptions.delete(name),
  }
  const interrupt = (): void => {
    isOpen = false
    queue.pause()
    each((subscription) => subscription.interrupted())
  }
  const again = (subscription: Subscription): void => {
    const { id } = subscription
    subscription.interrupted()
    // Unless it has asked again before.
    setTimeout(() => subscription.id === id && subscription.subscribe(), retryWithin * Math.random())
  }
  const refuse = ({ id, error: { code, message } }: ErrorMessage): void => {
    // Only a connection that is about to be closed says this; the next one takes it.
    if (!id || code === 'stopping') return
    const error = new RealtimeError(code, message)
    if (code === 'limit') queue.tooMany()
    else queue.settle(id)?.reject(error)
    each((subscription) => {
      if (subscription.id !== id) return
      if (code !== 'failed') subscription.ended(error)
      else again(subscription)
    })
  }
  const receive = (event: ConnectionEvent): void => {
    const of = (name: string): Subscription | undefined => subscriptions.get(name)
    if ('channel' in event)
      of(event.channel)?.each((view) => view.receive(event.type, event.data, event.offset))
    else if ('subscribed' in event) of(event.subscribed)?.confirmed(event)
    else if ('gap' in event)
      of(event.gap)?.each((view) => view.isActive && view.gap(parsePosition(event.position)!))
    else if ('presence' in event) of(event.presence)?.presenceChanged(event)
    else if ('ack' in event) queue.settle(event.ack)?.resolve(event.result)
    else if ('error' in event) refuse(event)
    else if ('bye' in event) queue.pause()
    else if ('unsubscribed' in event) {
      const subscription = of(event.unsubscribed)
      if (!subscription || !event.code) return
      if (event.code === 'failed') again(subscription)
      else subscription.ended(new RealtimeError(event.code, event.reason))
    } else if ('position' in event)
      each((subscription) => subscription.reached(parsePosition(event.position)!))
    else if ('opened' in event) {
      isOpen = true
      each((subscription) => subscription.subscribe())
      queue.open()
    } else if ('lost' in event) {
      interrupt()
      if (blamed.includes(event.lost)) queue.blame(new RealtimeError('too-large'))
    } else if ('state' in event) {
      if (event.state === 'closed') {
        interrupt()
        queue.close(closed())
        each((subscription) => subscription.ended(closed()))
      }
      heard.emit('state', event.state)
    }
  }
  const connection = openConnection(address, options, receive)
  const queue = openQueue(options.maxQueue ?? 1000, connection.transmit)

  return {
    get state() {
      return connection.state
    },
    get pending() {
      return queue.size
    },
    onState: (listener) => heard.on('state', listener),
    channel(pattern, ...[params, options]) {
      const { from, presence } = (options as ChannelOptions | undefined) ?? {}
      if (connection.state === 'closed') throw closed()
      const position = from === undefined ? from : parsePosition(from)
      if (from !== undefined && !position) throw new TypeError(`from: no position: ${from}`)
      const name = nameOf(pattern, (params ?? {}) as Record<string, unknown>)
      let subscription = subscriptions.get(name)
      if (!subscription) subscriptions.set(name, (subscription = newSubscription(name, owner)))
      return subscription.add(position, presence) as never
    },
    check: connection.check,
    close: connection.close,
  }
}
