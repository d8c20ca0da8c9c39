import type { ConnectionsStats } from './connections/connections-stats.ts'
import type { FeedStats } from './log/feed.ts'
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
