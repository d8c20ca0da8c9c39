/** What connections have done since the start. */
export class Counters {
  /** Handshakes that became a connection. */
  accepted = 0
  /** Messages that were handed to transports: each message counts once for each client. */
  delivered = 0
  /** How often a client was too slow to be sent messages live. */
  fellBehind = 0
  /** Ephemeral messages that a client did not get because it was behind. */
  dropped = 0
  /** Channels of which a client has missed something for good. */
  gaps = 0
  /** Messages of clients that were handled, and those that were refused. */
  received = 0
  refused = 0
  /** Messages that came again, and were answered without being handled again. */
  repeated = 0
  /** Connections that ended, by close code. */
  readonly closed: Record<string, number> = {}

  /** Counts a connection that has ended. */
  close(code: number): void {
    this.closed[code] = (this.closed[code] ?? 0) + 1
  }
}
