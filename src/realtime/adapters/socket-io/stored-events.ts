import type { Feed } from '../../log/feed.ts'
import type { StoredMessage } from '../../log/message.ts'
import { formatPosition } from '../../protocol.ts'
import { decode, type Envelope, type Target } from './message.ts'
import type { Room } from './socket-io-types.ts'

/** Reads what servers have stored, each message once: those that come back together look at the same ones. */
export class StoredEvents {
  readonly #feed: Feed
  readonly #decoded = new WeakMap<StoredMessage, Envelope>()

  constructor(feed: Feed) {
    this.#feed = feed
  }

  /** The message of a row, read once for all who ask; an event has its position as the last argument, by which clients ask for the next. */
  decode(message: StoredMessage): Envelope {
    const known = this.#decoded.get(message)
    if (known !== undefined) return known
    const envelope = decode(message.data)
    if (envelope.kind === 'event') envelope.packet.data.push(this.positionOf(message.offset))
    this.#decoded.set(message, envelope)
    return envelope
  }

  /** An offset as clients give it back. */
  positionOf(offset: number): string {
    return formatPosition({ epoch: this.#feed.epoch, offset })
  }

  /** The arguments of the events up to an offset that somebody was to get who is in these rooms since these offsets. */
  select(messages: readonly StoredMessage[], rooms: ReadonlyMap<Room, number>, upTo: number): unknown[][] {
    return messages.flatMap((message) => {
      if (message.type !== 'event' || message.offset > upTo) return []
      const envelope = this.decode(message)
      return envelope.kind === 'event' && isMeant(envelope.target, rooms, message.offset)
        ? [envelope.packet.data]
        : []
    })
  }
}

function isMeant(target: Target, rooms: ReadonlyMap<Room, number>, offset: number): boolean {
  const wasIn = (room: Room): boolean => (rooms.get(room) ?? Infinity) < offset
  return (target.rooms.length === 0 || target.rooms.some(wasIn)) && !target.except.some(wasIn)
}
