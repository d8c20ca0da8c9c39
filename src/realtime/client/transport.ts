import type { ClientMessage, ServerMessage } from '../protocol.ts'

/** `opened`: what is sent now arrives. `closed`: it is over, with a close code or a status of HTTP where the other end gave one. */
export type TransportEvent = ServerMessage | { opened: true } | { closed: number | undefined }

/** One connection to the server; it begins when it is made, and never comes back. */
export interface Transport {
  /** Only after `opened`. */
  send(message: ClientMessage): void
  /** It may still tell something: whoever closes it does not listen any more. */
  close(): void
}

/** Where a transport goes. */
interface TransportTarget {
  /** `http:` or `https:`. */
  url: URL
  headers: Record<string, string> | undefined
}

/** Begins a connection; `tell` is called with what comes of it, never before this returns. */
export type OpenTransport = (target: TransportTarget, tell: (event: TransportEvent) => void) => Transport
