import type { MatchedChannel } from '../channels/channels.ts'
import type { Packet } from './packet.ts'
import type { Subscription } from './subscription.ts'

/** The subscriptions of one channel in this process. */
export class Audience {
  readonly name: string
  readonly match: MatchedChannel
  /** The beginning of the JSON of each message. */
  readonly prefix: string
  /** Those that get messages at once: an array, because it is walked for each message. */
  readonly live: Subscription[] = []
  readonly members = new Set<Subscription>()
  /** How many runs have gone out in several turns. */
  round = 0
  /** Who is present, framed; until somebody comes or goes. */
  present: Packet | undefined
  /** Another one after each change of who is present. */
  presentVersion = 0

  constructor(name: string, match: MatchedChannel) {
    this.name = name
    this.match = match
    this.prefix = `{"channel":${JSON.stringify(name)},`
  }

  /** From now on it gets messages at once. */
  goLive(subscription: Subscription): void {
    subscription.state = 'live'
    subscription.round = this.round
    subscription.place = this.live.push(subscription) - 1
  }

  /** It gets none for now: its place is taken by the last one, so walk backwards while this may happen. */
  hold(subscription: Subscription): void {
    const { place } = subscription
    if (place === -1) return
    const last = this.live.pop()!
    if (last !== subscription) {
      this.live[place] = last
      last.place = place
    }
    subscription.place = -1
  }
}

/** The channels that somebody of this process listens to. */
export class Audiences {
  readonly #byName = new Map<string, Audience>()

  /** How many channels. */
  get size(): number {
    return this.#byName.size
  }

  get(name: string): Audience | undefined {
    return this.#byName.get(name)
  }

  [Symbol.iterator](): IterableIterator<Audience> {
    return this.#byName.values()
  }

  /** The audience of a channel, made if there is none. */
  of(name: string, match: MatchedChannel): Audience {
    let audience = this.#byName.get(name)
    if (audience === undefined) this.#byName.set(name, (audience = new Audience(name, match)))
    return audience
  }

  /** Takes a subscription out for good. */
  remove(subscription: Subscription): void {
    const { audience } = subscription
    audience.hold(subscription)
    audience.members.delete(subscription)
    if (audience.members.size === 0 && this.#byName.get(audience.name) === audience)
      this.#byName.delete(audience.name)
  }
}
