import type { LogReader, MessageFeed, StoredMessage } from './needs.ts'
import type { Subscription } from './subscription.ts'

/** A part of what a connection has missed. */
export interface Piece {
  /** In the order of the log, of all channels together. */
  readonly messages: readonly StoredMessage[]
  /** Channels of which something is gone for good. */
  readonly gaps: readonly Subscription[]
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
 * row of it (the *horizon*). What a piece has not room for is read again for the next one. After a piece all its
 * subscriptions stand at its horizon.
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
    const rows = Math.min(mostRows, pieceSize / this.#size)
    const limit = Math.ceil((rows + 1) / Math.max(1, sources.length))
    const messages: StoredMessage[] = []
    let horizon = until
    for (const { audience, position } of sources) {
      const isLatest = audience.match.definition.replay === 'latest'
      const found = isLatest
        ? this.#lastAfter(audience.name, position)
        : this.#feed.after(audience.name, position, limit)
      if (!isLatest && found.length === limit) horizon = Math.min(horizon, found.at(-1)!.offset)
      messages.push(...found)
    }
    if (sources.length > 1) messages.sort((one, other) => one.offset - other.offset)
    const end = this.#endOf(messages, horizon)
    if (end < messages.length) horizon = Math.min(horizon, messages[end]!.offset - 1)
    for (const source of sources) source.position = Math.max(source.position, horizon)
    return messages.slice(0, end)
  }

  #lastAfter(channel: string, position: number): readonly StoredMessage[] {
    const last = this.#log.last(channel)
    return last !== undefined && last.offset > position ? [last] : []
  }

  /** How many of the messages go into the piece: at least one, however large it is. */
  #endOf(messages: readonly StoredMessage[], horizon: number): number {
    let bytes = 0
    let end = 0
    while (end < messages.length && messages[end]!.offset <= horizon && (end === 0 || bytes < pieceSize))
      bytes += messages[end++]!.data.length
    if (end > 0) this.#size = Math.max(1, (this.#size + bytes / end) / 2)
    return end
  }
}
