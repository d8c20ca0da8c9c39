import type { LogReader, MessageFeed, StoredMessage } from './needs.ts'
import type { Subscription } from './subscription.ts'

/** A part of what a connection has missed. */
export interface Piece {
  /** In the order of the log, of all channels together. */
  readonly messages: readonly StoredMessage[]
  /** Channels of which something is gone for good. */
  readonly gaps: readonly Subscription[]
}

/** About so many bytes of messages go into a piece. */
const pieceSize = 65_536
/** Rows read for a piece, over all channels. */
const pieceRows = 512

/** Where messages are read. */
export interface Source {
  readonly log: LogReader
  readonly feed: MessageFeed
}

/**
 * Reads what subscriptions have missed, each from its own position, merged into the order of the log, in bounded pieces.
 *
 * Nothing is kept between pieces, so a replay of any length costs a client no memory here. Of each channel a few rows are read; where
 * there may be more of a channel than was read, the piece ends at the last row of it (the *horizon*). What a piece has not
 * room for is read again for the next one. After a piece all its subscriptions stand at its horizon.
 *
 * To be called within `database.read`: a row that retention takes between the check and the read would be missed.
 *
 * @param until The end: the position of the fan-out, from where subscriptions go on live.
 */
export function readPiece(source: Source, behind: readonly Subscription[], until: number): Piece {
  const gaps: Subscription[] = []
  const sources: Subscription[] = []
  for (const subscription of behind) {
    if (subscription.position >= until) continue
    if (isLost(source, subscription)) {
      subscription.position = until
      gaps.push(subscription)
    } else sources.push(subscription)
  }
  return { gaps, messages: merge(source, sources, until) }
}

function isLost({ log, feed }: Source, { audience, position }: Subscription): boolean {
  const { name, match } = audience
  if (match.definition.replay === 'none') return feed.after(name, position, 1).length > 0
  if (match.definition.replay === 'latest') return false
  return log.checkResume(name, { epoch: feed.epoch, offset: position }) === 'gap'
}

function merge({ log, feed }: Source, sources: readonly Subscription[], until: number): StoredMessage[] {
  const limit = Math.max(8, Math.ceil(pieceRows / Math.max(1, sources.length)))
  const messages: StoredMessage[] = []
  let horizon = until
  for (const { audience, position } of sources) {
    if (audience.match.definition.replay === 'latest') {
      const latest = log.last(audience.name)
      if (latest !== undefined && latest.offset > position) messages.push(latest)
      continue
    }
    const rows = feed.after(audience.name, position, limit)
    if (rows.length === limit) horizon = Math.min(horizon, rows.at(-1)!.offset)
    messages.push(...rows)
  }
  if (sources.length > 1) messages.sort((one, other) => one.offset - other.offset)
  const end = endOf(messages, horizon)
  if (end < messages.length) horizon = Math.min(horizon, messages[end]!.offset - 1)
  for (const source of sources) source.position = Math.max(source.position, horizon)
  return messages.slice(0, end)
}

/** How many of the messages go into the piece: at least one, however large it is. */
function endOf(messages: readonly StoredMessage[], horizon: number): number {
  let bytes = 0
  let end = 0
  while (end < messages.length && messages[end]!.offset <= horizon && (end === 0 || bytes < pieceSize))
    bytes += messages[end++]!.data.length
  return end
}
