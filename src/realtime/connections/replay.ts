import type { LogReader, MessageFeed, StoredMessage } from './needs.ts'
import type { Subscription } from './subscription.ts'

/** A part of what a connection has missed. */
export interface Piece {
  /** In the order of the log, of all channels together. */
  readonly messages: readonly StoredMessage[]
  /** Channels of which something is gone for good. */
  readonly gaps: readonly Subscription[]
}

/** What was read of a channel for a piece. */
interface Part {
  readonly source: Subscription
  readonly found: readonly StoredMessage[]
  /** Whether there may be more. */
  readonly isCut: boolean
}

/** Where messages are read. */
export interface Source {
  readonly log: LogReader
  readonly feed: MessageFeed
}

/** About so many bytes of messages go into a piece. */
const pieceSize = 65_536
/** Rows that are read for a piece, over all channels, at most. */
const mostRows = 128

/**
 * Reads what subscriptions have missed, each from its own position, merged into the order of the log, in bounded pieces.
 *
 * Nothing is kept between pieces, so a replay of any length costs a client no memory here. Of each channel a few rows are read, as many
 * as will fill the piece by the size of those before; where there may be more of a channel than was read, the piece ends at the last
 * row of it (the *horizon*). What a piece has not room for is read again for the next one. After a piece a
 * subscription stands at its horizon, or at the end if there is nothing more of its channel.
 */
export class Replay {
  readonly #log: LogReader
  readonly #feed: MessageFeed
  /** About how large a message is. */
  #size = 4_096

  constructor({ log, feed }: Source) {
    this.#log = log
    this.#feed = feed
  }

  /**
   * The next piece. To be called within `database.read`: a row that retention takes between the check and the read would be missed.
   *
   * @param until The end: the position of the fan-out, from where subscriptions go on live.
   */
  next(behind: readonly Subscription[], until: number): Piece {
    const gaps: Subscription[] = []
    const sources: Subscription[] = []
    for (const subscription of behind) {
      if (subscription.position >= until) continue
      if (this.#isLost(subscription)) {
        subscription.position = until
        gaps.push(subscription)
      } else sources.push(subscription)
    }
    return { gaps, messages: this.#merge(sources, until) }
  }

  #isLost({ audience, position }: Subscription): boolean {
    const { name, match } = audience
    if (match.definition.replay === 'none') return this.#feed.after(name, position, 1).length > 0
    if (match.definition.replay === 'latest') return false
    return this.#log.checkResume(name, { epoch: this.#feed.epoch, offset: position }) === 'gap'
  }

  #merge(sources: readonly Subscription[], until: number): StoredMessage[] {
    const parts = this.#read(sources)
    const messages = parts.flatMap(({ found }) => found)
    this.#learn(messages)
    let horizon = until
    for (const { found, isCut } of parts) if (isCut) horizon = Math.min(horizon, found.at(-1)!.offset)
    if (sources.length > 1) messages.sort((one, other) => one.offset - other.offset)
    const end = this.#endOf(messages, horizon)
    if (end < messages.length) horizon = Math.min(horizon, messages[end]!.offset - 1)
    for (const { source, found, isCut } of parts) {
      // Of this one nothing more is to be read, whatever the others still have.
      const isWhole = !isCut && (found.at(-1)?.offset ?? 0) <= horizon
      source.position = isWhole ? until : Math.max(source.position, horizon)
    }
    return messages.slice(0, end)
  }

  /** Reads a little of each channel, and then, where only some have more than that, so much more of those. */
  #read(sources: readonly Subscription[]): Part[] {
    const rows = Math.min(mostRows, pieceSize / this.#size) + 1
    const shareOf = (count: number): number => Math.ceil(rows / Math.max(1, count))
    const limit = shareOf(sources.length)
    const parts = sources.map((source) => this.#readOne(source, limit))
    const more = shareOf(parts.filter(({ isCut }) => isCut).length)
    return more < 2 * limit
      ? parts
      : parts.map((part) => (part.isCut ? this.#readOne(part.source, more) : part))
  }

  #readOne(source: Subscription, limit: number): Part {
    const { audience, position } = source
    if (audience.match.definition.replay === 'latest')
      return { source, found: this.#lastAfter(audience.name, position), isCut: false }
    const found = this.#feed.after(audience.name, position, limit)
    return { source, found, isCut: found.length === limit }
  }

  #lastAfter(channel: string, position: number): readonly StoredMessage[] {
    const last = this.#log.last(channel)
    return last !== undefined && last.offset > position ? [last] : []
  }

  /** Large messages count at once, small ones slowly: what is read in vain costs more than another piece. */
  #learn(messages: readonly StoredMessage[]): void {
    if (messages.length === 0) return
    let bytes = 0
    for (const { data } of messages) bytes += data.length
    const size = bytes / messages.length
    this.#size = Math.max(1, size > this.#size ? size : this.#size + (size - this.#size) / 8)
  }

  /** How many of the messages go into the piece: at least one, however large it is. */
  #endOf(messages: readonly StoredMessage[], horizon: number): number {
    let bytes = 0
    let end = 0
    while (end < messages.length && messages[end]!.offset <= horizon && (end === 0 || bytes < pieceSize))
      bytes += messages[end++]!.data.length
    return end
  }
}
