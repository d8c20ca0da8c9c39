/**
 * What server and client of the realtime part say to each other, version 1: JSON objects, one per WebSocket text message
 * (subprotocol `handcar.v1`) or per `data:` of an event stream. One connection carries many channels.
 *
 * Types and helpers without dependencies only: the browser's client is built from this file too.
 *
 * A *position* is the text `epoch.offset`: what has been seen of the log up to and with that offset. Offsets are those of the
 * whole log, so one position is right for every channel of a connection.
 */

/** The WebSocket subprotocol. */
export const subprotocol = 'handcar.v1'

/** A place in the log, as text: `epoch.offset`. */
export type PositionText = string

/** Somebody who is present in a channel. */
export interface PresenceEntry {
  user: string
  /** Id of the connection; a user with two tabs has two entries. */
  connection: string
  /** JSON; `null` when none was given. */
  metadata: unknown
}

/** Begins to listen to a channel, after `from` if that is given, else from now on. */
export interface SubscribeRequest {
  subscribe: string
  /** Chosen by the client; the answer has it too. */
  id: number
  from?: PositionText
  /** Joins the presence of the channel with this metadata. A second `subscribe` of the channel replaces it. */
  presence?: unknown
}

interface UnsubscribeRequest {
  unsubscribe: string
  id: number
}

/** A message from the client, for the channel's `onMessage`. */
export interface SendRequest {
  send: string
  type: string
  data: unknown
  id: number
  /** Random, of this message: the same key is handled once, however often it comes. */
  key?: string
}

interface PingRequest {
  ping: number
}

export type ClientMessage = SubscribeRequest | UnsubscribeRequest | SendRequest | PingRequest

/** The first of each connection. */
interface WelcomeMessage {
  welcome: {
    /** Id of the connection, as in {@link PresenceEntry}. */
    connection: string
    /** The server is never silent for longer than this, in milliseconds. */
    heartbeat: number
    position: PositionText
  }
}

/** The answer to a subscribe; the messages after `position` follow. */
export interface SubscribedMessage {
  subscribed: string
  id: number
  position: PositionText
  /** `false`: what came between `from` and `position` is lost to this client. */
  recovered: boolean
}

/** A message of a channel. */
export interface ChannelMessage {
  channel: string
  /** Its place in the log; ephemeral messages have none. */
  offset?: number
  type: string
  data: unknown
}

/** Everything up to here was sent, of each channel that is subscribed. */
interface PositionMessage {
  position: PositionText
}

/** What came before `position` is lost to this client: it reads the state anew. The subscription goes on from `position`. */
interface GapMessage {
  gap: string
  position: PositionText
}

/** A subscription has ended: as asked for (`id`), or because the right is lost (`code` and `reason`). */
interface UnsubscribedMessage {
  unsubscribed: string
  id?: number
  reason?: string
  code?: string
}

/** The answer to a send that was handled. */
export interface AckMessage {
  ack: number
  result?: unknown
}

/** A request was refused (`id` tells which), or the connection is about to be closed for this. */
export interface ErrorMessage {
  error: { code: string; message: string }
  id?: number
}

/** Who is there: all of them (`present`), or who came and went. */
export interface PresenceMessage {
  presence: string
  present?: PresenceEntry[]
  joined?: PresenceEntry[]
  left?: PresenceEntry[]
}

/** The connection is about to be closed: come back in `in` milliseconds. */
interface ByeMessage {
  bye: { in: number; reason: string }
}

/** The answer to a ping. */
interface PongMessage {
  pong: number
}

export type ServerMessage =
  | WelcomeMessage
  | SubscribedMessage
  | ChannelMessage
  | PositionMessage
  | GapMessage
  | UnsubscribedMessage
  | AckMessage
  | ErrorMessage
  | PresenceMessage
  | ByeMessage
  | PongMessage

/** Why the server closes a WebSocket. */
export const closeCodes = {
  restart: 1012,
  notAuthenticated: 4001,
  forbiddenOrigin: 4003,
  slow: 4008,
  tooLarge: 4009,
  tooMany: 4029,
  protocol: 4400,
} as const

/** Codes of {@link ErrorMessage} and {@link UnsubscribedMessage}. */
export type ProtocolErrorCode =
  | 'malformed' // not a message of this protocol
  | 'unknown-channel'
  | 'unknown-type' // the channel takes no such message
  | 'invalid' // the data does not fit its schema
  | 'forbidden' // authorize() says no, or no longer yes
  | 'not-authenticated'
  | 'limit' // too many channels, or messages
  | 'too-large'
  | 'failed' // the handler threw; the details are in the server's log
  | 'stopping' // send it again after the reconnect

/** `epoch.offset` in its parts; `undefined` when it is not one. */
export function parsePosition(text: string): { epoch: string; offset: number } | undefined {
  const dot = text.lastIndexOf('.')
  const offset = Number(text.slice(dot + 1) || NaN)
  return dot > 0 && Number.isSafeInteger(offset) && offset >= 0
    ? { epoch: text.slice(0, dot), offset }
    : undefined
}

/** The parts of a position as one text. */
export function formatPosition({ epoch, offset }: { epoch: string; offset: number }): PositionText {
  return `${epoch}.${offset}`
}
