import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'

/** What the connections of this process are doing and have done since the start, as plain JSON. */
export interface ConnectionsStats extends Omit<Counters, 'close'> {
  connections: number
  webSockets: number
  eventStreams: number
  subscriptions: number
  /** Channels that somebody listens to. */
  channels: number
  /** Subscriptions that are being caught up from the log. */
  behind: number
  /** Bytes that wait for clients to take them. */
  buffered: number
}

/** Looks at all connections. */
export function countConnections(
  connections: ReadonlySet<Connection>,
  channels: number,
  counters: Counters,
): ConnectionsStats {
  const stats = {
    connections: connections.size,
    webSockets: 0,
    eventStreams: 0,
    subscriptions: 0,
    behind: 0,
    buffered: 0,
  }
  for (const { transport, subscriptions } of connections) {
    if (transport.kind === 'websocket') stats.webSockets++
    else stats.eventStreams++
    stats.subscriptions += subscriptions.size
    stats.buffered += transport.buffered
    for (const { state } of subscriptions.values()) if (state === 'behind') stats.behind++
  }
  const { closed, ...counts } = counters
  return { ...stats, channels, ...counts, closed: { ...closed } }
}
