import type { Connections } from './connections/connections.ts'
import type { ConnectionsStats } from './connections/connections-stats.ts'
import type { Feed, FeedStats } from './log/feed.ts'
import type { Log } from './log/log.ts'
import type { TrimmerStats } from './log/trimmer.ts'
import type { PresenceStats } from './presence/presence.ts'
import type { RelayStats } from './relay/relay.ts'

/** How realtime stands in a process, for those who watch over it. */
export interface RealtimeHere {
  connections: number
  subscriptions: number
  /** Subscriptions that are being caught up from the log. */
  behind: number
  /** Bytes that wait for clients to take them. */
  buffered: number
  /** Messages that this process has not read yet. */
  lag: number
  /** Whether it can read the log. */
  isReading: boolean
}

/** What realtime is doing in this process and has done since the start, as plain JSON. */
export interface RealtimeStats {
  /** How far this process has read the log; how many messages it is behind at most. */
  feed: FeedStats & { lag: number }
  connections: ConnectionsStats
  presence: PresenceStats
  /** `undefined` where the option `relay` is `false`. */
  relay: RelayStats | undefined
  retention: TrimmerStats
}

/** How many messages a process has not read yet, at most: offsets may be left out. */
export function lagOf({ log, feed }: { log: Log; feed: Feed }): number {
  return Math.max(0, log.position().offset - feed.position)
}

/** Tells how a process stands, also while the database fails. */
export function readHere({
  log,
  feed,
  connections,
}: {
  log: Log
  feed: Feed
  connections: Connections
}): RealtimeHere {
  const { connections: clients, subscriptions, behind, buffered } = connections.stats()
  const counts = { connections: clients, subscriptions, behind, buffered }
  try {
    return { ...counts, lag: lagOf({ log, feed }), isReading: feed.stats().failing === undefined }
  } catch {
    return { ...counts, lag: 0, isReading: false }
  }
}
