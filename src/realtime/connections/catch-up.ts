import { setImmediate as later } from 'node:timers'
import type { Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import { controlChannel } from '../log/message.ts'
import { formatPosition } from '../protocol.ts'
import type { Audiences } from './audience.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import { packetOf, type FanOut } from './fan-out.ts'
import { filterOf } from './filter.ts'
import type { StoredMessage } from './needs.ts'
import type { Packet } from './packet.ts'
import { Replay, type Source } from './replay.ts'
import type { Subscription } from './subscription.ts'

/** What a catch-up works with. */
export interface CatchUpOptions extends Source {
  readonly database: Database
  readonly audiences: Audiences
  readonly counters: Counters
  readonly fanOut: FanOut
  readonly logger: Logger
  /** A subscription has become live. */
  readonly onLive: (subscription: Subscription) => void
  readonly onFailure: (connection: Connection, error: unknown) => void
}

/**
 * Brings subscriptions that are behind to where the fan-out is, after a subscribe, a resume, or when the client was too slow.
 *
 * One piece of at most 64 kB is on its way to a client at a time; the next one is read when it has left the process. So a client costs
 * no more memory than what waited when it fell behind, plus a piece, and is served at its own speed, from memory or disk. A
 * subscription becomes live in the same turn in which there is nothing left to read for it, so nothing falls between.
 *
 * A subscription may be *ahead*: its client has a position from another process that this one has not read yet. It waits until the
 * fan-out is there. An event stream has one position for all its channels, so none of them goes on while one waits for `authorize`.
 */
export class CatchUp {
  readonly #options: CatchUpOptions
  readonly #replay: Replay
  readonly #ahead = new Set<Connection>()
  /** The piece that was framed last: clients that come back together have missed the same. */
  #latest: { epoch: string; messages: readonly StoredMessage[]; packet: Packet } | undefined

  constructor(options: CatchUpOptions) {
    this.#options = options
    this.#replay = new Replay(options)
  }

  /** Sends what is missing next, if there is something and nothing else is on its way. */
  advance(connection: Connection): void {
    if (connection.isWriting || !connection.isOpen) return
    try {
      this.#advance(connection)
    } catch (error) {
      this.#options.onFailure(connection, error)
    }
  }

  /** A slice was delivered: those who were ahead of it may be there now. */
  delivered(): void {
    if (this.#ahead.size === 0) return
    const waiting = [...this.#ahead]
    this.#ahead.clear()
    for (const connection of waiting) this.advance(connection)
  }

  /** More waits for the client than may: it goes on from where it is when it has taken that. */
  clogged(connection: Connection): void {
    this.#options.counters.fellBehind++
    this.hold(connection)
    if (!connection.isWriting) this.#wait(connection, (taken) => connection.transport.probe(taken))
  }

  /**
   * The fan-out has failed within a slice, where it stands: everybody is caught up from there, which some may get twice. What rights
   * were lost in the rest of it is obeyed before.
   */
  overtake(
    connections: ReadonlySet<Connection>,
    slice: readonly StoredMessage[],
    obey: (message: StoredMessage) => void,
  ): void {
    const { fanOut } = this.#options
    const { epoch, position: failed } = fanOut
    for (const connection of connections) this.hold(connection)
    for (const message of slice) {
      if (message.offset <= failed || message.channel !== controlChannel) continue
      fanOut.begin({ epoch, position: message.offset })
      obey(message)
    }
    fanOut.begin({ epoch, position: slice.at(-1)!.offset })
    for (const connection of connections) this.advance(connection)
  }

  /** Takes the live subscriptions of a connection out of the fan-out. */
  hold(connection: Connection): void {
    const { fanOut } = this.#options
    for (const subscription of connection.subscriptions.values()) {
      if (subscription.state !== 'live') continue
      subscription.position = fanOut.reached(subscription)
      subscription.audience.hold(subscription)
      subscription.state = 'behind'
    }
  }

  /** Forgets a connection that has ended. */
  forget(connection: Connection): void {
    this.#ahead.delete(connection)
  }

  #advance(connection: Connection): void {
    const subscriptions = [...connection.subscriptions.values()]
    const { kind } = connection.transport
    if (kind === 'sse' && subscriptions.some(({ state }) => state === 'asking')) return
    const behind = subscriptions.filter(({ state }) => state === 'behind')
    if (behind.length === 0) return
    const { database, fanOut, counters } = this.#options
    const until = fanOut.position
    const { messages, gaps } = behind.some(({ position }) => position < until)
      ? database.read(() => this.#replay.next(behind, until))
      : { messages: [], gaps: [] }
    const position = formatPosition({ epoch: fanOut.epoch, offset: until })
    for (const { audience } of gaps) connection.send({ gap: audience.name, position })
    counters.gaps += gaps.length
    this.#write(connection, messages)
    if (!connection.isWriting) this.#goLive(connection, behind)
  }

  #goLive(connection: Connection, behind: readonly Subscription[]): void {
    const { fanOut, onLive } = this.#options
    for (const subscription of behind) {
      if (subscription.position > fanOut.position) this.#ahead.add(connection)
      else {
        subscription.audience.goLive(subscription)
        onLive(subscription)
      }
    }
    // An event stream resumes from the last id that it was told: without one, what comes before the first message would be lost.
    if (connection.transport.kind === 'sse' && !this.#ahead.has(connection))
      connection.send({ position: fanOut.positionText }, fanOut.positionText)
  }

  #write(connection: Connection, messages: readonly StoredMessage[]): void {
    const wanted = messages.filter((message) => this.#isFor(connection, message))
    if (messages.length === 0) return
    if (wanted.length === 0) return this.#wait(connection, (taken) => taken())
    const packet = this.#frame(wanted)
    this.#options.counters.delivered += wanted.length
    this.#wait(connection, (taken) => connection.transport.write(packet, taken))
  }

  /** Within an epoch an offset is always the same message. */
  #frame(messages: readonly StoredMessage[]): Packet {
    const { audiences, fanOut } = this.#options
    const { epoch } = fanOut
    const latest = this.#latest
    const isSame =
      latest?.epoch === epoch &&
      latest.messages.length === messages.length &&
      messages.every(({ offset }, index) => offset === latest.messages[index]!.offset)
    if (isSame) return latest.packet
    const packet = packetOf(epoch, messages, (channel) => audiences.get(channel)!.prefix)
    this.#latest = { epoch, messages, packet }
    return packet
  }

  #isFor(connection: Connection, message: StoredMessage): boolean {
    const { audiences, logger } = this.#options
    return filterOf(audiences.get(message.channel)!, message, logger)?.(connection) ?? true
  }

  /** Goes on in a later turn when this was taken: a replay of any length lets others have theirs. */
  #wait(connection: Connection, send: (taken: () => void) => void): void {
    connection.isWriting = true
    send(() => {
      later(() => {
        connection.isWriting = false
        this.advance(connection)
      })
    })
  }
}
