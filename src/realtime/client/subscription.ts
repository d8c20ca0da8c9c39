import { parsePosition } from '../protocol.ts'
import type { ClientMessage, PresenceEntry, PresenceMessage, SubscribedMessage } from '../protocol.ts'
import { lowest } from './lowest.ts'
import { newView, type LiveChannel, type Position, type View } from './live-channel.ts'
import { onceATurn } from './once-a-turn.ts'
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
  forget(name: string): void
}

/** The one subscription of a channel that all {@link LiveChannel}s of its name share. */
export interface Subscription {
  readonly name: string
  /** Number of the latest request. */
  id: number
  /** Who is there, once that is known. */
  present: PresenceEntry[] | undefined
  add(from: Position | undefined, metadata: unknown): LiveChannel
  remove(view: View): void
  send: LiveChannel['send']
  /** Asks (again) with what is told of oneself, once for all calls of a turn. `undefined`: what was told before. */
  ask(this: void, metadata: unknown): void
  /** Asks for what comes after the lowest position. */
  subscribe(): void
  confirmed(answer: SubscribedMessage): void
  interrupted(): void
  /** A heartbeat: everything up to here has come. */
  reached(at: Position): void
  presenceChanged(message: PresenceMessage): void
  ended(error: RealtimeError): void
  each(call: (view: View) => unknown): void
}

/**
 * A subscription asks for everything after the lowest of the positions of those that share it; each of them leaves out what it has
 * seen.
 *
 * Somebody who comes later makes it ask again. Only the answer to the latest request counts: until it has come, newcomers hear
 * nothing (what comes may be above what they miss), and a heartbeat's position is not believed (it may speak of the time after the
 * server took the old subscription away and before it began the new one).
 */
export function newSubscription(name: string, owner: SubscriptionOwner): Subscription {
  const views = new Set<View>()
  let told: unknown
  const askOnce = onceATurn(() => self.subscribe())
  let isConfirmed = false

  const self: Subscription = {
    name,
    id: 0,
    present: undefined,
    each: (call) => views.forEach(call),
    send: (type, data, options) => owner.queue(name, type, data, options),
    add(from, metadata) {
      const view = newView(self, from)
      views.add(view)
      self.ask(metadata)
      return view.live
    },
    remove(view) {
      if (!views.delete(view) || views.size) return
      owner.transmit({ unsubscribe: name, id: owner.nextId() })
      owner.forget(name)
    },
    ask(metadata) {
      if (metadata !== undefined) told = metadata
      askOnce()
    },
    subscribe() {
      isConfirmed = false
      if (!views.size) return
      self.id = owner.nextId()
      owner.transmit({
        subscribe: name,
        id: self.id,
        // What is undefined is no part of the JSON.
        from: lowest([...views].map(({ live }) => live.position)),
        presence: told,
      })
    },
    confirmed({ id, position, recovered }) {
      if (id !== self.id) return
      isConfirmed = true
      self.each((view) => view.begin(parsePosition(position)!, recovered))
    },
    interrupted() {
      isConfirmed = false
      self.each((view) => (view.isActive = false))
    },
    reached(at) {
      if (isConfirmed) self.each((view) => view.reach(at))
    },
    presenceChanged({ present, joined = [], left = [] }) {
      const changed = [...joined, ...left].map(({ connection }) => connection)
      const rest = (self.present ?? []).filter(({ connection }) => !changed.includes(connection))
      self.present = present ?? [...rest, ...joined]
      self.each((view) => view.tell('presence', { present: self.present, joined, left }))
    },
    ended(error) {
      owner.forget(name)
      self.interrupted()
      self.each((view) => view.tell('end', error))
      views.clear()
    },
  }
  return self
}
