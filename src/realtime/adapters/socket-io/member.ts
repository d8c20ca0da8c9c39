import { TimeoutError } from '../../../core/index.ts'
import type { StoredMessage } from '../../log/message.ts'
import type { Bus, BusListener } from './bus.ts'
import { decode, targetOf, type Message } from './message.ts'
import { Performer, type Local } from './performer.ts'
import { Questions } from './questions.ts'
import { Recovery } from './recovery.ts'
import { Requests } from './requests.ts'
import type { BroadcastOptions, Namespace, Packet, SocketDetails } from './socket-io-types.ts'
import { StoredEvents } from './stored-events.ts'
import { largeType, Voice } from './voice.ts'

/** What a member needs. */
export interface MemberOptions {
  readonly bus: Bus
  /** Name of the namespace in the log and in the relay. */
  readonly channel: string
  readonly namespace: Namespace
  readonly local: Local
  /** How long other servers have for an answer, in milliseconds. */
  readonly requestTimeout: number
}

/**
 * One namespace of one server among the servers of all processes.
 *
 *     socket.io ─► Member ─► Voice ─► log, relay ─► Member of each server ─► Performer ─► sockets
 *                     └─► Requests, Questions ◄── answers ────────────────────┘
 *
 * How things are told, and in which order, stands in `voice.ts`; how clients come back in `recovery.ts`.
 */
export class Member implements BusListener {
  readonly id: string
  readonly recovery: Recovery | undefined
  readonly #options: MemberOptions
  readonly #events: StoredEvents
  readonly #voice: Voice
  readonly #performer: Performer
  readonly #requests = new Requests()
  readonly #questions = new Questions()
  #delivered: number
  #end: (() => void) | undefined

  constructor(options: MemberOptions) {
    const { bus, channel, namespace, local } = options
    this.#options = options
    this.id = bus.servers.newId()
    this.#delivered = bus.feed.position
    this.#events = new StoredEvents(bus.feed)
    this.#voice = new Voice({
      bus,
      channel,
      listener: this,
      isStoring: namespace.server.opts.connectionStateRecovery !== undefined,
      delivered: () => this.#delivered,
      handle: (envelope) => this.#performer.perform(envelope),
    })
    if (namespace.server.opts.connectionStateRecovery !== undefined)
      this.recovery = new Recovery({
        events: this.#events,
        bus,
        channel,
        namespace,
        server: this.id,
        delivered: () => this.#delivered,
        reached: (offset) => new Promise((resolve) => this.#voice.after(offset, resolve)),
        roomsOf: (sid) => local.sids.get(sid) ?? [],
      })
    this.#performer = new Performer({
      ...options,
      server: this.id,
      recovery: this.recovery,
      events: this.#events,
      voice: this.#voice,
      requests: this.#requests,
      questions: this.#questions,
      delivered: () => this.#delivered,
    })
  }

  /** Takes its place among the servers. */
  async open(): Promise<void> {
    const { bus, channel } = this.#options
    this.#end = bus.add(channel, this)
    try {
      await bus.ready
      await bus.enter(() => bus.servers.join(this.id, channel))
    } catch (error) {
      bus.failed('a server could not take its place among the others', error)
    }
  }

  /** Leaves it. */
  async close(): Promise<void> {
    const { bus } = this.#options
    if (this.#end === undefined) return
    await this.recovery?.close()
    this.#end()
    this.#end = undefined
    await bus.enter(() => bus.servers.leave(this.id))
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#requests.size + this.#questions.size
  }

  /** The other servers that will answer. */
  others(): string[] {
    const { bus, channel } = this.#options
    return bus.servers.others(channel, this.id)
  }

  /** Sends an event. One with an id is answered by a socket of this server, and goes nowhere else. */
  broadcast(packet: Packet, options: BroadcastOptions): void {
    const { local, volatile } = options.flags ?? {}
    if (local === true || packet.id !== undefined)
      this.#voice.here(() => this.#performer.emit(packet, options))
    else this.#voice.tell({ kind: 'event', packet, target: targetOf(options) }, volatile === undefined)
  }

  /** Sends an event that every socket is to answer. */
  broadcastWithAck(
    packet: Packet,
    options: BroadcastOptions,
    counted: (count: number) => void,
    answered: (answer: unknown) => void,
  ): void {
    const { local, timeout = this.#options.requestTimeout } = options.flags ?? {}
    const others = this.others()
    const request = this.#questions.open([...others, this.id], timeout, counted, answered)
    const message: Message = { kind: 'question', packet, request, target: targetOf(options) }
    if (local !== true) return this.#voice.tell(message)
    this.#voice.here(() => this.#performer.perform({ ...message, from: this.id }))
    // socket.io waits for a count of every server also then.
    for (const other of others) this.#questions.counted(request, other, 0)
  }

  /** Says what is to become of sockets. */
  command(message: Message & { kind: 'join' | 'leave' | 'disconnect' }): void {
    if (message.target.flags.local === true)
      this.#voice.here(() => this.#performer.perform({ ...message, from: this.id }))
    else this.#voice.tell(message)
  }

  /** The sockets of all servers. */
  async fetchSockets(options: BroadcastOptions): Promise<SocketDetails[]> {
    const { requestTimeout, local } = this.#options
    await new Promise<void>((resolve) => this.#voice.here(resolve))
    const here = await local.fetchSockets(options)
    if (options.flags?.local === true) return here
    const timeout = options.flags?.timeout ?? requestTimeout
    const target = targetOf(options)
    const ask = (request: string): void => {
      // While somebody settles what a dead process left, it looks alive.
      this.onGone()
      this.#voice.send({ kind: 'fetch', target, request })
    }
    const result = await this.#requests.ask<SocketDetails>(this.others(), timeout, ask)
    if (result.missing > 0) throw late(result, timeout)
    return [...here, ...result.answers]
  }

  /** Sends an event to the other servers; with a function at its end each of them answers. */
  serverSideEmit(packet: readonly unknown[]): void {
    const answer = packet.at(-1)
    if (typeof answer !== 'function') return this.#voice.send({ kind: 'server', packet })
    const { requestTimeout } = this.#options
    const ask = (request: string): void => {
      this.onGone()
      this.#voice.send({ kind: 'server', packet: packet.slice(0, -1), request })
    }
    void this.#requests
      .ask(this.others(), requestTimeout, ask)
      .then(
        (result) =>
          void answer(result.missing > 0 ? late(result, requestTimeout) : null, [...result.answers]),
      )
  }

  onSent(text: string): void {
    const end = text.indexOf('\n')
    const after = Number(text.slice(0, end))
    const envelope = decode(text.slice(end + 1))
    this.#voice.after(after, () => this.#performer.perform(envelope))
  }

  onStored(message: StoredMessage): void {
    this.#delivered = message.offset
    if (message.type === largeType) return
    this.#performer.perform(
      this.recovery === undefined ? decode(message.data) : this.#events.decode(message),
      true,
    )
  }

  onReached(offset: number): void {
    this.#delivered = offset
    this.#voice.release()
  }

  onEpoch(offset: number): void {
    this.#delivered = offset
    this.#voice.restart()

    this.recovery?.restart(offset)
  }

  /** Its clients come back, and are told that they have missed something. */
  onLost(): void {
    if (this.recovery === undefined) return
    for (const socket of this.#options.namespace.sockets.values()) socket.conn.close()
  }

  onGone(): void {
    if (this.waiting === 0) return
    const living = new Set([...this.others(), this.id])
    this.#requests.keepOnly(living)
    this.#questions.keepOnly(living)
  }
}

function late({ asked, missing }: { asked: number; missing: number }, timeout: number): TimeoutError {
  const answered = asked - missing
  return new TimeoutError(
    'HANDCAR_REALTIME_SERVERS',
    `Expected an answer of ${asked} other servers of socket.io within ${timeout} ms, got ${answered}`,
    { details: { asked, answered } },
  )
}
