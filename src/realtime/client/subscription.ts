import { formatPosition, parsePosition } from '../protocol.ts'
import type { ClientMessage, PresenceEntry, PresenceMessage, SubscribedMessage } from '../protocol.ts'
import { LiveChannel, type Position } from './live-channel.ts'
import type { SendOptions } from './queue.ts'
import type { RealtimeError } from './realtime-error.ts'

/** What a subscription asks of the connection. */
export interface SubscriptionOwner {
  /** Numbers of requests, each given once. */
  nextId(): number
  /** Sends it if there is a connection; the next one begins with `subscribe()` of each subscription. */
  transmit(message: ClientMessage): void
  queue(channel: string, type: string, data: unknown, options: SendOptions | undefined): Promise<unknown>
  /** Nobody looks at the channel any more, or nobody may. */
  forget(subscription: Subscription): void
}

/**
 * The one subscription of a channel that all {@link LiveChannel}s of its name share. It asks for everything after the lowest of
 * their positions; each of them leaves out what it has seen.
 *
 * Somebody who comes later makes it ask again. Only the answer to the latest request counts: until it has come,
 * newcomers hear nothing (what comes may be above what they miss), and a heartbeat's position is not believed (it may speak of the
 * time after the server took the old subscription away and before it began the new one).
 */
export class Subscription {
  readonly name: string
  readonly owner: SubscriptionOwner
  /** Who is there, once that is known. */
  present: PresenceEntry[] | undefined
  /** Number of the latest request. */
  id = 0
  readonly #views = new Set<LiveChannel>()
  #metadata: unknown
  #isAsking = false
  #isConfirmed = false

  constructor(name: string, owner: SubscriptionOwner) {
    this.name = name
    this.owner = owner
  }

  add(from: Position | undefined, metadata: unknown): LiveChannel {
    const view = new LiveChannel(this, from)
    this.#views.add(view)
    this.ask(metadata)
    return view
  }

  remove(view: LiveChannel): void {
    if (!this.#views.delete(view) || this.#views.size) return
    this.owner.transmit({ unsubscribe: this.name, id: this.owner.nextId() })
    this.owner.forget(this)
  }

  /** Asks (again) with what is told of oneself, once for all calls of a turn. `undefined`: what was told before. */
  ask(metadata: unknown): void {
    if (metadata !== undefined) this.#metadata = metadata
    if (this.#isAsking) return
    this.#isAsking = true
    queueMicrotask(() => this.#isAsking && this.subscribe())
  }

  /** Asks for what comes after the lowest position. */
  subscribe(): void {
    this.#isAsking = this.#isConfirmed = false
    if (!this.#views.size) return
    let lowest: Position | undefined
    for (const { at } of this.#views) if (at && !(lowest && lowest.offset <= at.offset)) lowest = at
    this.id = this.owner.nextId()
    this.owner.transmit({
      subscribe: this.name,
      id: this.id,
      // What is undefined is no part of the JSON.
      from: lowest && formatPosition(lowest),
      presence: this.#metadata,
    })
  }

  confirmed({ id, position, recovered }: SubscribedMessage): void {
    if (id !== this.id) return
    this.#isConfirmed = true
    this.#each((view) => view.begin(parsePosition(position)!, recovered))
  }

  /** After a request was refused for now, unless there has been another. */
  retry(id: number): void {
    if (id === this.id) this.subscribe()
  }

  received(type: string, data: unknown, offset: number | undefined): void {
    this.#each((view) => view.receive(type, data, offset))
  }

  interrupted(): void {
    this.#isConfirmed = false
    this.#each((view) => (view.isActive = false))
  }

  reached(at: Position): void {
    if (this.#isConfirmed) this.#each((view) => view.reach(at))
  }

  gap(position: Position): void {
    this.#each((view) => view.isActive && view.gap(position))
  }

  presenceChanged({ present, joined = [], left = [] }: PresenceMessage): void {
    const changed = new Set([...joined, ...left].map(({ connection }) => connection))
    const rest = (this.present ?? []).filter(({ connection }) => !changed.has(connection))
    this.present = present ?? [...rest, ...joined]
    this.#each((view) => view.tell('presence', { present: this.present, joined, left }))
  }

  ended(error: RealtimeError): void {
    this.owner.forget(this)
    this.interrupted()
    this.#each((view) => view.tell('end', error))
    this.#views.clear()
  }

  #each(call: (view: LiveChannel) => unknown): void {
    for (const view of this.#views) call(view)
  }
}
