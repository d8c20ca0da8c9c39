import type { Logger } from '../../core/index.ts'
import type { Audience, Audiences } from './audience.ts'
import type { Connection } from './connection.ts'
import type { FanOut } from './fan-out.ts'
import type { PresenceBook, PresenceChange } from './needs.ts'
import { Packet } from './packet.ts'
import type { Subscription } from './subscription.ts'

/**
 * Who is present, as the clients of a channel see it: all of them when a subscription becomes live, then who comes and goes. One that
 * was behind gets all of them again, so it needs nothing of what happened meanwhile.
 */
export class Presences {
  readonly #book: PresenceBook
  readonly #audiences: Audiences
  readonly #logger: Logger

  constructor(book: PresenceBook, audiences: Audiences, logger: Logger) {
    this.#book = book
    this.#audiences = audiences
    this.#logger = logger
  }

  /** The client of a subscription is present from now on, or has other metadata. */
  join(subscription: Subscription, metadata: unknown): void {
    const { audience, connection } = subscription
    const { definition } = audience.match
    if (!definition.hasPresence) return
    const { user } = connection.client
    const told = user === undefined ? undefined : definition.presentUser?.(user)
    subscription.isPresent = true
    this.#do(() =>
      this.#book.join(audience.name, {
        user: connection.user ?? '',
        connection: connection.id,
        metadata: combine(told, metadata),
      }),
    )
  }

  /** The client is no longer present. */
  leave(subscription: Subscription): void {
    if (!subscription.isPresent) return
    subscription.isPresent = false
    const { audience, connection } = subscription
    if (connection.isOpen && !connection.isLeaving)
      this.#do(() => this.#book.leave(audience.name, connection.id, 0))
    else connection.wasPresent = true
  }

  /** The connection has ended: it is present nowhere. */
  gone(connection: Connection): void {
    if (!connection.wasPresent) return
    connection.wasPresent = false
    const { id, comesBackIn } = connection
    this.#do(() => this.#book.leaveAll(id, comesBackIn))
  }

  /** Tells a subscription that has become live who is there, unless that is what it was told before. */
  show(subscription: Subscription): void {
    const { audience, connection } = subscription
    if (!audience.match.definition.hasPresence || subscription.shown === audience.presentVersion) return
    connection.transport.write(this.#present(audience))
    subscription.shown = audience.presentVersion
  }

  /** Changes may have been missed: everybody is told anew who is there. */
  reset(fanOut: FanOut): void {
    for (const audience of this.#audiences) {
      forget(audience)
      if (audience.match.definition.hasPresence && audience.live.length > 0)
        fanOut.announce(audience, this.#present(audience))
    }
  }

  /** Tells everybody in a channel who came and went. */
  changed(fanOut: FanOut, channel: string, { joined, left }: PresenceChange): void {
    const audience = this.#audiences.get(channel)
    if (audience === undefined) return
    forget(audience)
    const parts = { ...(joined.length > 0 && { joined }), ...(left.length > 0 && { left }) }
    fanOut.announce(audience, Packet.of({ presence: channel, ...parts }))
  }

  #present(audience: Audience): Packet {
    return (audience.present ??= Packet.of({
      presence: audience.name,
      present: this.#book.list(audience.name),
    }))
  }

  /** A failure here is no reason to end a connection: who is there is told anew at the next change. */
  #do(work: () => unknown): void {
    const fail = (error: unknown): void => this.#logger.error({ err: error }, 'Presence could not be changed')
    try {
      Promise.resolve(work()).catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}

/** Who is present has changed. */
function forget(audience: Audience): void {
  audience.present = undefined
  audience.presentVersion++
}

/** What the server tells of a user goes over what the client says of itself. */
function combine(told: unknown, metadata: unknown): unknown {
  return isObject(told) && isObject(metadata) ? { ...metadata, ...told } : (told ?? metadata)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
