import type { Clock, Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import type { PresenceEntry } from '../protocol.ts'

/** The topic that every write names which changes who is present. */
export const presenceTopic = 'handcar.presence'

/** Who came to a channel, or has other metadata now, and who left it. */
export interface PresenceChange {
  readonly joined: readonly PresenceEntry[]
  readonly left: readonly PresenceEntry[]
}

/** Called after a commit, with what it changed in one channel. */
export type PresenceListener = (channel: string, change: PresenceChange) => void

/** A connection in a channel, as its process knows it. */
export interface OwnEntry {
  readonly channel: string
  readonly connection: string
  readonly user: string
  /** JSON. */
  readonly metadata: string
}

/** What the pieces of presence share. */
export interface PresenceEngine {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  /** Runs what writes outside of the transaction in whose context it may have been called. */
  readonly enter: <Result>(work: () => Result) => Result
}

/** How many rows are read or written in one go, so that the event loop is free in between. */
export const sliceSize = 256
