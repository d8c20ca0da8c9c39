import type { Logger } from '../../core/index.ts'
import { controlChannel } from '../log/message.ts'
import { formatPosition } from '../protocol.ts'
import type { Audience, Audiences } from './audience.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import { filterOf, type Filter } from './filter.ts'
import type { EphemeralMessage, StoredMessage } from './needs.ts'
import { Packet } from './packet.ts'

/** What the fan-out asks of those around it. */
export interface FanOutEvents {
  /** More waits for this client than may; everything up to `position` was sent to it. */
  clogged(connection: Connection, position: number): void
  /** A message to the connections themselves, at its place in the order. */
  control(message: StoredMessage): void
}

/** Messages of one channel in a row go out together, up to this many bytes. */
const longestRun = 65_536

/**
 * Hands each message to every live subscription of its channel.
 *
 * A slice of the feed is taken apart into *runs*: messages of one channel that follow each other. A run is framed once and written
 * to each socket in one piece; sockets that have several runs in a slice are corked until its end, so each socket costs one system
 * call per slice. Per client nothing is allocated and no JSON is made. Messages keep the order of the log, over all channels.
 *
 * `position` is exact at every moment: what is at or before it was handed to every live subscription, and nothing after it.
 */
export class FanOut {
  readonly #audiences: Audiences
  readonly #counters: Counters
  readonly #highWater: number
  readonly #logger: Logger
  readonly #events: FanOutEvents
  readonly #corked: Connection[] = []
  #slice = 0
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
  }

  /** Where the live subscriptions are, as text. */
  get positionText(): string {
    return formatPosition({ epoch: this.epoch, offset: this.position })
  }

  /** Delivers a slice of the feed. */
  deliver(messages: readonly StoredMessage[]): void {
    this.#slice++
    try {
      this.#deliver(messages)
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

  #deliver(messages: readonly StoredMessage[]): void {
    for (let start = 0; start < messages.length;) {
      const end = this.#endOfRun(messages, start)
      const isWhole = start === 0 && end === messages.length
      if (messages[start]!.channel !== controlChannel) this.#deliverRun(messages, start, end, !isWhole)
      this.position = messages[end - 1]!.offset
      if (messages[start]!.channel === controlChannel) this.#events.control(messages[start]!)
      start = end
    }
  }

  #deliverRun(messages: readonly StoredMessage[], start: number, end: number, isCorked: boolean): void {
    const audience = this.#audiences.get(messages[start]!.channel)
    if (audience === undefined || audience.live.length === 0) return
    const first = messages[start]!
    const packet = packetOf(this.epoch, messages.slice(start, end), () => audience.prefix)
    this.#write(audience, packet, filterOf(audience, first, this.#logger), isCorked)
  }

  /** Backwards, because who is clogged leaves the list, and the last one takes its place. */
  #write(audience: Audience, packet: Packet, filter: Filter | undefined, isCorked: boolean): void {
    const { live } = audience
    let written = 0
    for (let index = live.length - 1; index >= 0; index--) {
      const { connection } = live[index]!
      const { transport } = connection
      if (filter !== undefined && !filter(connection)) continue
      if (transport.buffered > this.#highWater) {
        this.#events.clogged(connection, this.position)
        continue
      }
      if (isCorked && connection.slice !== this.#slice) {
        connection.slice = this.#slice
        transport.cork()
        this.#corked.push(connection)
      }
      transport.write(packet)
      written++
    }
    this.#counters.delivered += written * packet.count
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
