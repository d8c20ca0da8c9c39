import type { Clock, Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import type { RealtimeUser } from '../channels/channel-types.ts'
import type { MatchedChannel } from '../channels/channels.ts'
import type { EphemeralMessage, Position, StoredMessage } from '../log/message.ts'
import type { PresenceEntry } from '../protocol.ts'
import type { Realtime } from '../realtime.ts'
import type { Limits } from './limits.ts'

/** What connections need of the log. */
export interface LogReader {
  /** Where the log ends. */
  position(): Position
  /** The last message of a channel. */
  last(channel: string): StoredMessage | undefined
  /** Whether all that a channel had after a position is still there. */
  checkResume(channel: string, position: Position): 'ok' | 'gap'
}

/** What connections need of the feed. */
export interface MessageFeed {
  /** Offset of the last message that was handed to the listeners. */
  readonly position: number
  readonly epoch: string
  /** Messages of a channel after an offset, the oldest first, from memory where possible. */
  after(channel: string, offset: number, limit: number): readonly StoredMessage[]
  /** Brings no slices until what this returns is called. */
  pause(): () => void
  /** Slices of the log, each of which begins after the one before. */
  onMessages(listener: (messages: readonly StoredMessage[]) => void): () => void
  /** Retention was faster than this process: after the position of this moment, some messages of these channels are missing. */
  onLost(listener: (channels: readonly string[]) => void): () => void
  /** The log has gone back: offsets of before mean nothing. */
  onEpoch(listener: () => void): () => void
}

/** Who came to a channel and who left it. */
export interface PresenceChange {
  readonly joined: readonly PresenceEntry[]
  readonly left: readonly PresenceEntry[]
}

/** What connections need of presence. */
export interface PresenceBook {
  join(channel: string, entry: PresenceEntry): unknown
  /** @param grace In milliseconds. Default: that of presence. */
  leave(channel: string, connection: string, grace?: number): unknown
  /** @param comesBackIn When its client was told to come back, in milliseconds; its grace begins then. Default: 0. */
  leaveAll(connection: string, comesBackIn?: number): unknown
  list(channel: string): readonly PresenceEntry[]
  onChange(listener: (channel: string, change: PresenceChange) => void): () => void
  /** Changes may be missing. */
  onReset(listener: () => void): () => void
}

/**
 * Says who asks; `undefined` for somebody who is not known, `false` to refuse the connection. A user may have `expiresAt`, in
 * milliseconds since 1970: then the connection is closed, and the client has to be authenticated anew.
 *
 * @param request The handshake of a WebSocket, or the request for an event stream or with a message: its cookies and headers.
 */
export type Authenticate = (
  request: Request,
  context: { readonly database: Database },
) => RealtimeUser | undefined | false | Promise<RealtimeUser | undefined | false>

/** What {@link Connections} are made of. */
export interface ConnectionsOptions {
  readonly database: Database
  readonly log: LogReader
  readonly feed: MessageFeed
  readonly presence: PresenceBook
  readonly channels: { match(name: string): MatchedChannel | undefined }
  /** What handlers of channels get. */
  readonly realtime: Realtime
  /** Publishes to a channel by its name. */
  readonly publish: (channel: string, type: string, data: unknown) => Promise<number | undefined>
  /** Default: nobody is known. */
  readonly authenticate: Authenticate | undefined
  /** Origins besides the server's own, from which browsers may connect: `'https://app.example.com'`; `'*'`: from anywhere. */
  readonly origins: readonly string[]
  readonly limits: Limits
  /** How often a client hears something, in milliseconds. */
  readonly heartbeat: number
  /** Bytes that may wait for one client; with more it is caught up from the log instead. */
  readonly highWater: number
  /** Whether messages may be compressed (permessage-deflate). */
  readonly compression: boolean
  readonly clock: Clock
  readonly logger: Logger
}

export type { EphemeralMessage, PresenceEntry, StoredMessage }
