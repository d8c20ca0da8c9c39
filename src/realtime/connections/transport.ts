import type { Packet } from './packet.ts'

/**
 * What carries the messages of one connection: a WebSocket or an event stream. It only hands bytes on; what may be sent when is
 * decided by the connection.
 */
export interface Transport {
  readonly kind: 'websocket' | 'sse'
  /** Bytes that were written and that the client's side has not taken yet. */
  readonly buffered: number
  /** A number that changes whenever the client's side takes something. */
  readonly progress: number
  /**
   * Hands over what was framed for this kind of transport.
   *
   * @param taken Called when these bytes, and all before them, have left the process, or never will.
   */
  write(packet: Packet, taken?: () => void): void
  /** From here to `uncork` nothing leaves, so that several writes become one. */
  cork(): void
  uncork(): void
  /**
   * Sends something that says nothing, and to which a client that is still there answers, where the transport has such a thing.
   *
   * @param taken As of `write`.
   */
  probe(taken?: () => void): void
  /** Takes no more messages from the client for now, or again. */
  pause(): void
  resume(): void
  /** Ends the connection in order, after what was written. */
  end(code: number, reason: string): void
  /** Ends it at once. */
  destroy(): void
}
