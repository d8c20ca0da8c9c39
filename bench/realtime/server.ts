/** What is compared. */
export type System =
  | 'handcar'
  | 'handcar, ephemeral'
  | 'socket.io + Redis'
  | 'ws'
  | 'ws + Redis pub/sub'
  | 'event stream'

/** Where a server finds what it needs. */
export interface Place {
  readonly system: System
  /** The file of those that have one. */
  readonly path: string
  readonly redis?: { readonly host: string; readonly port: number }
}

/** A server of one process, made with the public API of each system. */
export interface RealtimeServer {
  /** On the loopback interface. */
  readonly port: number
  /** Sends a message to whoever listens to a channel, of all processes. What it returns, if anything, is settled when it is accepted. */
  publish(channel: string, body: object): unknown
  /** From where a client resumes; `undefined` where none can. */
  position?(): string
  close(): unknown
}

/** How a system is opened. */
export type ServerMaker = (place: Place, port: number) => Promise<RealtimeServer>
