import { defineEvent, type Event } from '../core/index.ts'

/** A value was asked for. */
export interface ReadMessage {
  /** Name of the namespace; empty for the root. */
  namespace: string
  key: string
  /** Where it was: `undefined` for a miss. */
  from: 'memory' | 'file' | undefined
}

/** A factory has run. */
export interface FillMessage {
  namespace: string
  key: string
  /** How long it ran, in milliseconds. */
  duration: number
  /** What it failed with; `undefined` when it did not. */
  error: unknown
}

/** Entries were taken out because there is no room, or because their time was over. */
export interface EvictMessage {
  cause: 'room' | 'expired' | 'cleared'
  entries: number
}

/** The storage failed; the call was a miss, or did nothing. */
export interface ErrorMessage {
  /** What was tried. */
  during: 'read' | 'write' | 'decode' | 'lease' | 'repair' | 'factory'
  error: unknown
}

/** A limit was asked. */
export interface LimitMessage {
  key: string
  allowed: boolean
  limit: number
  remaining: number
}

/** `handcar.cache.limit` */
export const limitEvent: Event<LimitMessage> = defineEvent('handcar.cache.limit')
/** `handcar.cache.read` */
export const readEvent: Event<ReadMessage> = defineEvent('handcar.cache.read')
/** `handcar.cache.fill` */
export const fillEvent: Event<FillMessage> = defineEvent('handcar.cache.fill')
/** `handcar.cache.evict` */
export const evictEvent: Event<EvictMessage> = defineEvent('handcar.cache.evict')
/** `handcar.cache.error` */
export const errorEvent: Event<ErrorMessage> = defineEvent('handcar.cache.error')
