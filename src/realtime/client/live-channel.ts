import { formatPosition, type PresenceEntry, type PositionText } from '../protocol.ts'
import { newEmitter, type Off } from './emitter.ts'
import type { SendOptions } from './queue.ts'
import type { RealtimeError } from './realtime-error.ts'
import type { Subscription } from './subscription.ts'

/** A place in the log, taken apart. */
export interface Position {
  epoch: string
  offset: number
}

/** What comes with the data of a message. */
export interface MessageDetails {
  /** Its place in the log; `undefined` for an ephemeral message. */
  offset: number | undefined
}

/** Who is there: all of them now, and whom the server has said to have come (or told something new of himself) and gone. */
export interface PresenceChange {
  present: PresenceEntry[]
  joined: PresenceEntry[]
  left: PresenceEntry[]
}

/** The server has answered: messages after `position` come. */
export interface Subscribed {
  position: PositionText
  /** Nothing was missed since the position before. */
  recovered: boolean
}

/**
 * What one part of a page sees of a channel. Parts that look at the same channel share one subscription, yet each has a position
 * of its own: it hears every message after its position exactly once, in order. Messages at or below the position have been seen,
 * whichever connection brings them again.
 */
export interface LiveChannel {
  readonly name: string
  /** What has been heard up to; `undefined` before the first answer of the server. */
  readonly position: PositionText | undefined
  /** Calls back with the data of each message of a type. */
  on(type: string, listener: (data: unknown, details: MessageDetails) => unknown): Off
  /**
   * Calls back when messages are lost to this client, because the server does not have them any more: what it shows is to be read
   * anew, as of `position`. A gap before the first listener is told to that one.
   */
  onGap(listener: (gap: { position: PositionText }) => unknown): Off
  /** Calls back each time the server has begun to send: at first, and after every reconnect. */
  onSubscribed(listener: (subscribed: Subscribed) => unknown): Off
  /** Calls back when it is known who is there, and whenever that changes. */
  onPresence(listener: (change: PresenceChange) => unknown): Off
  /** Calls back when the server has refused or ended the subscription: nothing comes any more. */
  onEnd(listener: (error: RealtimeError) => unknown): Off
  /**
   * Sends a message to the channel's `onMessage` and returns its answer. Without a connection it waits for one; the server handles
   * it once, however often it has to be sent.
   *
   * @throws RealtimeError with the server's code; a `TimeoutError` or the signal's reason: then it may have been handled
   */
  send(type: string, data?: unknown, options?: SendOptions): Promise<unknown>
  /** Tells the others something new of oneself. */
  setPresence(metadata: unknown): void
  /** Ends it for this part of the page. What was sent is still sent. */
  close(): void
}

/** The side of a {@link LiveChannel} that its subscription sees. */
export interface View {
  readonly live: LiveChannel
  at: Position | undefined
  /** Whether the messages that come follow the position. */
  isActive: boolean
  tell(what: 'subscribed' | 'presence' | 'end', value: unknown): void
  /** What comes from now on follows `from`, which is not above the position. */
  begin(from: Position, isComplete: boolean): void
  gap(at: Position): void
  /** Everything up to here has come. Returns whether that is news. */
  reach(at: Position): boolean
  receive(type: string, data: unknown, offset: number | undefined): void
}

/** Makes the two sides of what one part of a page sees. */
export function newView(subscription: Subscription, at: Position | undefined): View {
  // `message:` and a type, or what the methods are called after.
  const heard = newEmitter()
  // A gap that nobody has heard of; the first listener does.
  let missed: { position: PositionText } | undefined
  const { name, send } = subscription

  const view: View = {
    at,
    isActive: false,
    tell: heard.emit,
    begin(from, isComplete) {
      const recovered = !view.at || (isComplete && view.at.epoch === from.epoch)
      if (!recovered) view.gap(from)
      view.at ??= from
      view.isActive = true
      heard.emit('subscribed', { position: formatPosition(view.at), recovered })
    },
    gap(to) {
      view.at = to
      const gap = { position: formatPosition(to) }
      if (!heard.emit('gap', gap)) missed = gap
    },
    reach(to) {
      const isAhead = view.isActive && to.epoch === view.at!.epoch && to.offset > view.at!.offset
      if (isAhead) view.at = to
      return isAhead
    },
    receive(type, data, offset) {
      if (view.isActive && (offset === undefined || view.reach({ ...view.at!, offset })))
        heard.emit(`message:${type}`, data, { offset })
    },
    live: {
      name,
      send,
      get position() {
        return view.at && formatPosition(view.at)
      },
      on: (type, listener) => heard.on(`message:${type}`, listener),
      onGap(listener) {
        const off = heard.on('gap', listener)
        if (missed) heard.emit('gap', missed)
        missed = undefined
        return off
      },
      onSubscribed: (listener) => heard.on('subscribed', listener),
      onPresence(listener) {
        const { present } = subscription
        if (present) listener({ present, joined: [], left: [] })
        return heard.on('presence', listener)
      },
      onEnd: (listener) => heard.on('end', listener),
      setPresence: subscription.ask,
      close: () => subscription.remove(view),
    },
  }
  return view
}
