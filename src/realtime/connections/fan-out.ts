import type { Logger } from '../../core/index.ts'
import { controlChannel } from '../log/message.ts'
import { formatPosition } from '../protocol.ts'
import type { Audience, Audiences } from './audience.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import { filterOf, type Filter } from './filter.ts'
import type { EphemeralMessage, StoredMessage } from './needs.ts'
import { Packet } from './packet.ts'
import type { Subscription } from './subscription.ts'

/** What the fan-out asks of those around it. */
export interface FanOutEvents {
  /** More waits for this client than may; what was sent to it is what was `reached`. */
  clogged(connection: Connection): void
  /** A message to the connections themselves, at its place in the order. */
  control(message: StoredMessage): void
}

/** Messages of one channel in a row go out together, up to this many bytes. */
const longestRun = 65_536

/** So many writes are made in a turn: 10 to 15 ms, nearly all of it in the kernel. With fewer, messages would wait for whatever else each turn does. */
const writesPerTurn = 2_048

/** A run to so many clients that it goes out in several turns. */
interface Cut {
  readonly audience: Audience
  /** Those who were live when it began. */
  readonly subscriptions: readonly Subscription[]
  /** So many of them, from the first, have not had it. */
  left: number
  /** Up to where they have everything. */
  readonly before: number
  readonly packet: Packet
  readonly filter: Filter | undefined
}

/**
 * Hands each message to every live subscription of its channel.
 *
 * A slice of the feed is taken apart into *runs*: messages of one channel that follow each other. A run is framed once and written
 * to each socket in one piece; sockets that have several runs in a slice are corked until its end, so each socket costs one system
 * call per slice. Per client nothing is allocated and no JSON is made. Messages keep the order of the log, over all channels.
 *
 * `position` is exact at every moment: what is at or before it was handed to every live subscription, and nothing after it. A slice
 * that takes many writes goes out in several turns (`deliver`, then `goOn`), between which others have theirs; within a run to more
 * than {@link writesPerTurn} clients some may have less than that: `reached` says what. Who becomes live meanwhile was
 * caught up to the end of the run.
 */
export class FanOut {
  readonly #audiences: Audiences
  readonly #counters: Counters
  readonly #highWater: number
  readonly #logger: Logger
  readonly #events: FanOutEvents
  readonly #corked: Connection[] = []
  #slice = 0
  #messages: readonly StoredMessage[] = []
  /** The first of them whose run has not begun. */
  #next = 0
  #cut: Cut | undefined
  /** Writes of this turn. */
  #written = 0
  position = 0
  epoch = ''

  constructor(
    audiences: Audiences,
    counters: Counters,
    highWater: number,
    logger: Logger,
    events: FanOutEvents,
  ) {
    this.#logger = logger
    this.#audiences = audiences
    this.#counters = counters
    this.#highWater = highWater
    this.#events = events
  }

  /** Goes on from a position. */
  begin({ epoch, position }: { epoch: string; position: number }): void {
    this.epoch = epoch
    this.position = position
    this.#messages = []
    this.#next = 0
    this.#cut = undefined
  }

  /** Whether everything was delivered that it was given. */
  get isDone(): boolean {
    return this.#cut === undefined && this.#next === this.#messages.length
  }

  /** Up to where a live subscription was handed everything. */
  reached({ audience, round }: Subscription): number {
    const cut = this.#cut
    return cut?.audience === audience && round < audience.round ? cut.before : this.position
  }

  /** Where the live subscriptions are, as text. */
  get positionText(): string {
    return formatPosition({ epoch: this.epoch, offset: this.position })
  }

  /** Delivers a slice of the feed, or begins to: `goOn` does the rest. There is no next slice before `isDone`. */
  deliver(messages: readonly StoredMessage[]): void {
    this.#messages = messages
    this.#next = 0
    this.goOn()
  }

  /** Delivers as much as is right for a turn. */
  goOn(): void {
    this.#slice++
    this.#written = 0
    try {
      while (!this.isDone && this.#written < writesPerTurn)
        if (this.#cut === undefined) this.#deliverNext()
        else this.#deliverCut(this.#cut)
    } finally {
      for (const { transport } of this.#corked) transport.uncork()
      this.#corked.length = 0
    }
  }

  /** Delivers a message that is not stored to whoever is live; to others it is lost. */
  deliverEphemeral(message: EphemeralMessage): void {
    const { channel, type, data } = message
    const audience = this.#audiences.get(channel)
    if (audience === undefined) return
    const text = `${audience.prefix}"type":${JSON.stringify(type)},"data":${data}}`
    this.#counters.dropped += audience.members.size - audience.live.length
    this.#write(audience, new Packet([text]), filterOf(audience, message, this.#logger), false)
  }

  /** Hands something to all live subscriptions of a channel that is no message, and that no filter concerns. */
  announce(audience: Audience, packet: Packet): void {
    this.#write(audience, packet, undefined, false)
  }

  #deliverNext(): void {
    const messages = this.#messages
    const start = this.#next
    const first = messages[start]!
    const end = this.#endOfRun(messages, start)
    if (first.channel !== controlChannel) this.#deliverRun(start, end)
    this.position = messages[end - 1]!.offset
    this.#next = end
    if (first.channel === controlChannel) this.#events.control(first)
  }

  #deliverRun(start: number, end: number): void {
    const messages = this.#messages
    const first = messages[start]!
    const audience = this.#audiences.get(first.channel)
    if (audience === undefined || audience.live.length === 0) return
    const packet = packetOf(this.epoch, messages.slice(start, end), () => audience.prefix)
    const filter = filterOf(audience, first, this.#logger)
    const { live } = audience
    if (live.length <= writesPerTurn) {
      const isWhole = start === 0 && end === messages.length
      return this.#write(audience, packet, filter, !isWhole)
    }
    audience.round++
    this.#cut = {
      audience,
      subscriptions: [...live],
      left: live.length,
      before: this.position,
      packet,
      filter,
    }
  }

  /** Whoever was held or has left meanwhile, or is live anew, gets it by other ways or not at all. */
  #deliverCut(cut: Cut): void {
    const { audience, subscriptions, packet, filter } = cut
    while (cut.left > 0 && this.#written < writesPerTurn) {
      const subscription = subscriptions[--cut.left]!
      if (subscription.state !== 'live' || subscription.round === audience.round) continue
      if (this.#writeTo(subscription.connection, packet, filter, false)) subscription.round = audience.round
    }
    if (cut.left === 0) this.#cut = undefined
  }

  /** Backwards, because who is clogged leaves the list, and the last one takes its place. */
  #write(audience: Audience, packet: Packet, filter: Filter | undefined, isCorked: boolean): void {
    const { live } = audience
    for (let index = live.length - 1; index >= 0; index--)
      this.#writeTo(live[index]!.connection, packet, filter, isCorked)
  }

  /** Returns `false` when the client has no room for it. */
  #writeTo(connection: Connection, packet: Packet, filter: Filter | undefined, isCorked: boolean): boolean {
    const { transport } = connection
    if (filter !== undefined && !filter(connection)) return true
    if (transport.buffered > this.#highWater) {
      this.#events.clogged(connection)
      return false
    }
    if (isCorked && connection.slice !== this.#slice) {
      connection.slice = this.#slice
      transport.cork()
      this.#corked.push(connection)
    }
    transport.write(packet)
    this.#written++
    this.#counters.delivered += packet.count
    return true
  }

  #endOfRun(messages: readonly StoredMessage[], start: number): number {
    const { channel, data } = messages[start]!
    const audience = this.#audiences.get(channel)
    let end = start + 1
    if (channel === controlChannel || audience?.match.definition.filter !== undefined) return end
    for (let bytes = data.length; end < messages.length && bytes < longestRun; end++) {
      if (messages[end]!.channel !== channel) break
      bytes += messages[end]!.data.length
    }
    return end
  }
}

/** Frames stored messages, whose positions are the ids of events. */
export function packetOf(
  epoch: string,
  messages: readonly StoredMessage[],
  prefixOf: (channel: string) => string,
): Packet {
  const texts = messages.map(
    ({ channel, offset, type, data }) =>
      `${prefixOf(channel)}"offset":${offset},"type":${JSON.stringify(type)},"data":${data}}`,
  )
  return new Packet(texts, (index) => `${epoch}.${messages[index]!.offset}`)
}
