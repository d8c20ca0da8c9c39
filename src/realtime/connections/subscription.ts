import type { Audience } from './audience.ts'
import type { Connection } from './connection.ts'

/**
 * Where a subscription is:
 *
 * - `asking`: `authorize` has not answered yet; nothing is sent;
 * - `behind`: it is caught up from the log, or about to be; what was sent reaches to `position`;
 * - `live`: it gets each message as it is committed; what was sent reaches to where the fan-out is;
 * - `ended`.
 */
export type SubscriptionState = 'asking' | 'behind' | 'live' | 'ended'

/** One channel of one connection. */
export class Subscription {
  readonly connection: Connection
  readonly audience: Audience
  /** Of the request, for the answer. */
  readonly id: number
  state: SubscriptionState = 'asking'
  /** Offset up to which everything was sent; counts only while it is not live. */
  position = 0
  /** Its index among the live ones of the audience. */
  place = -1
  /** The last run of its audience in several turns that it was handed, or that was before it became live. */
  round = 0
  /** How often `authorize` was asked: only the answer to the latest question counts. */
  question = 0
  /** Whether the client knows of it. */
  isAnswered = false
  isPresent = false
  /** Version of the list of who is present that its client was told last. */
  shown = -1

  constructor(connection: Connection, audience: Audience, id: number) {
    this.connection = connection
    this.audience = audience
    this.id = id
  }
}
