import { formatPosition, type PresenceEntry, type PositionText } from '../protocol.ts'
import { Emitter, type Off } from './emitter.ts'
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
export class LiveChannel {
  readonly name: string
  readonly #subscription: Subscription
  /** What has been heard: `message:` and a type, or what the methods are called after. */
  readonly #heard = new Emitter()
  /** A gap that nobody has heard of; the first listener does. */
  #gap: PositionText | undefined
  /** @internal */
  at: Position | undefined
  /** @internal Whether the messages that come follow the position. */
  isActive = false

  /** @internal */
  constructor(subscription: Subscription, from: Position | undefined) {
    this.name = subscription.name
    this.#subscription = subscription
    this.at = from
  }

  /** What has been heard up to; `undefined` before the first answer of the server. */
  get position(): PositionText | undefined {
    return this.at && formatPosition(this.at)
  }

  /** Calls back with the data of each message of a type. */
  on(type: string, listener: (data: unknown, details: MessageDetails) => unknown): Off {
    return this.#heard.on(`message:${type}`, listener)
  }

  /**
   * Calls back when messages are lost to this client, because the server does not have them any more: what it shows is to be read
   * anew, as of `position`. A gap before the first listener is told to that one.
   */
  onGap(listener: (gap: { position: PositionText }) => unknown): Off {
    const off = this.#heard.on('gap', listener)
    if (this.#gap) this.#heard.emit('gap', { position: this.#gap })
    this.#gap = undefined
    return off
  }

  /** Calls back each time the server has begun to send: at first, and after every reconnect. */
  onSubscribed(listener: (subscribed: Subscribed) => unknown): Off {
    return this.#heard.on('subscribed', listener)
  }

  /** Calls back when it is known who is there, and whenever that changes. */
  onPresence(listener: (change: PresenceChange) => unknown): Off {
    const { present } = this.#subscription
    if (present) listener({ present, joined: [], left: [] })
    return this.#heard.on('presence', listener)
  }

  /** Calls back when the server has refused or ended the subscription: nothing comes any more. */
  onEnd(listener: (error: RealtimeError) => unknown): Off {
    return this.#heard.on('end', listener)
  }

  /**
   * Sends a message to the channel's `onMessage` and returns its answer. Without a connection it waits for one; the server handles
   * it once, however often it has to be sent.
   *
   * @throws RealtimeError with the server's code; a `TimeoutError` or the signal's reason: then it may have been handled
   */
  send(type: string, data?: unknown, options?: SendOptions): Promise<unknown> {
    return this.#subscription.owner.queue(this.name, type, data, options)
  }

  /** Tells the others something new of oneself. */
  setPresence(metadata: unknown): void {
    this.#subscription.ask(metadata)
  }

  /** Ends it for this part of the page. What was sent is still sent. */
  close(): void {
    this.#subscription.remove(this)
  }

  /** @internal */
  tell(what: 'subscribed' | 'presence' | 'end', value: unknown): void {
    this.#heard.emit(what, value)
  }

  /** @internal What comes from now on follows `at`, which is not above the position of this channel. */
  begin(at: Position, isComplete: boolean): void {
    const recovered = !this.at || (isComplete && this.at.epoch === at.epoch)
    if (!recovered) this.gap(at)
    this.at ??= at
    this.isActive = true
    this.tell('subscribed', { position: this.position, recovered })
  }

  /** @internal */
  gap(at: Position): void {
    this.at = at
    const { position } = this
    if (!this.#heard.emit('gap', { position })) this.#gap = position
  }

  /** @internal Everything up to here has come. */
  reach(at: Position): boolean {
    const isAhead = this.isActive && at.epoch === this.at!.epoch && at.offset > this.at!.offset
    if (isAhead) this.at = at
    return isAhead
  }

  /** @internal */
  receive(type: string, data: unknown, offset: number | undefined): void {
    if (this.isActive && (offset === undefined || this.reach({ ...this.at!, offset })))
      this.#heard.emit(`message:${type}`, data, { offset })
  }
}
