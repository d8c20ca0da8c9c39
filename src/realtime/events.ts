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
  during: 'feed' | 'trim' | 'listener'
  error: unknown
}

/** `handcar.realtime.publish` */
export const publishEvent: Event<PublishMessage> = defineEvent('handcar.realtime.publish')
/** `handcar.realtime.deliver` */
export const deliverEvent: Event<DeliverMessage> = defineEvent('handcar.realtime.deliver')
/** `handcar.realtime.epoch` */
export const epochEvent: Event<EpochMessage> = defineEvent('handcar.realtime.epoch')
/** `handcar.realtime.trim` */
export const trimEvent: Event<TrimMessage> = defineEvent('handcar.realtime.trim')
/** `handcar.realtime.error` */
export const errorEvent: Event<ErrorMessage> = defineEvent('handcar.realtime.error')
