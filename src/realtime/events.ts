import { defineEvent, type Event } from '../core/index.ts'

/** A message was published; a stored one in a transaction that may still be rolled back. */
export interface PublishMessage {
  channel: string
  type: string
  /** `undefined` for an ephemeral message. */
  offset: number | undefined
}

/** Messages were delivered to the connections of this process. */
export interface DeliverMessage {
  messages: number
  /** How long it took, in milliseconds. */
  duration: number
  /** The offset of the last one. */
  position: number
}

/** Who is connected with this process. */
interface ClientMessage {
  /** Id of the connection. */
  connection: string
  /** Id of the user; `undefined` for somebody who is not known. */
  user: string | undefined
  transport: 'websocket' | 'sse'
}

/** A client has connected. */
export interface ConnectMessage extends ClientMessage {
  /** As far as trusted proxies tell it. */
  address: string
}

/** A connection has ended. */
export interface DisconnectMessage extends ClientMessage {
  /** Close code of the WebSocket; 1006 for one that ended without a word. */
  code: number
}

/** A client listens to a channel. */
export interface SubscribeMessage extends ClientMessage {
  channel: string
  /** Whether it has missed nothing since it was there before. */
  recovered: boolean
}

/** A client has missed something of a channel for good, and was told so. */
export interface GapMessage extends ClientMessage {
  channel: string
}

/** The log has gone back, or was told that it has: clients read their state anew. */
export interface EpochMessage {
  epoch: string
  position: number
}

/** Retention has taken messages. */
export interface TrimMessage {
  messages: number
  channels: number
}

/** Something failed and will be tried again. */
export interface ErrorMessage {
  during: 'feed' | 'trim' | 'listener' | 'socket.io'
  error: unknown
}

/** `handcar.realtime.publish` */
export const publishEvent: Event<PublishMessage> = defineEvent('handcar.realtime.publish')
/** `handcar.realtime.deliver` */
export const deliverEvent: Event<DeliverMessage> = defineEvent('handcar.realtime.deliver')
/** `handcar.realtime.connect` */
export const connectEvent: Event<ConnectMessage> = defineEvent('handcar.realtime.connect')
/** `handcar.realtime.disconnect` */
export const disconnectEvent: Event<DisconnectMessage> = defineEvent('handcar.realtime.disconnect')
/** `handcar.realtime.subscribe` */
export const subscribeEvent: Event<SubscribeMessage> = defineEvent('handcar.realtime.subscribe')
/** `handcar.realtime.gap` */
export const gapEvent: Event<GapMessage> = defineEvent('handcar.realtime.gap')
/** `handcar.realtime.epoch` */
export const epochEvent: Event<EpochMessage> = defineEvent('handcar.realtime.epoch')
/** `handcar.realtime.trim` */
export const trimEvent: Event<TrimMessage> = defineEvent('handcar.realtime.trim')
/** `handcar.realtime.error` */
export const errorEvent: Event<ErrorMessage> = defineEvent('handcar.realtime.error')
