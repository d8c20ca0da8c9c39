import type { ConnectionsStats } from './connections/connections-stats.ts'
import type { FeedStats } from './log/feed.ts'
import type { TrimmerStats } from './log/trimmer.ts'
import type { PresenceStats } from './presence/presence.ts'
import type { RelayStats } from './relay/relay.ts'

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
