import { TimeoutError } from '../../../core/index.ts'
import type { StoredMessage } from '../../log/message.ts'
import type { Bus, BusListener } from './bus.ts'
import { Held } from './held.ts'
import { decode, encode, optionsOf, targetOf, type Answer, type Envelope, type Message } from './message.ts'
import { Once } from './once.ts'
import { Order } from './order.ts'
import { piecesOf } from './pieces.ts'
import { Questions } from './questions.ts'
import { Recovery } from './recovery.ts'
import { Requests } from './requests.ts'
import type { BroadcastOptions, LocalAdapter, Namespace, Packet, SocketDetails } from './socket-io-types.ts'

/** What socket.io's own adapter does for the sockets of this server. */
export type Local = Pick<
  LocalAdapter,
  | 'broadcast'
  | 'broadcastWithAck'
  | 'addSockets'
  | 'delSockets'
  | 'disconnectSockets'
  | 'fetchSockets'
  | 'sids'
>

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

/** The type of messages that are read when the relay says so. */
const largeType = 'large'
/** So many characters are sent through the relay as one answer; more are stored, because the relay would drop them. */
const mostSent = 524_288

/**
 * One namespace of one server among the servers of all processes.
 *
 * What all are to do goes one of two ways:
 *
 * - *stored*, with connection state recovery: events and what becomes of sockets are rows of the log, and every server, this one too, does them
 *   when its feed brings them: everywhere in the same order, after the commit, or never. In a transaction they are part of it.
 * - *sent*, everything else: done here at once, by the others when the relay brings it, at most once. What is too long for the relay is stored.
 *
 * What is sent after something that was stored says so, and waits there until that was done (`order.ts`, `held.ts`).
 */
export class Member implements BusListener {
  readonly id: string
  readonly recovery: Recovery | undefined
  readonly #options: MemberOptions
  readonly #order = new Order()
  readonly #held = new Held(() => this.#delivered)
  readonly #requests = new Requests(() => this.#options.bus.isDisturbed)
  readonly #once = new Once()
  readonly #questions = new Questions()
  #delivered: number
  #end: (() => void) | undefined

  constructor(options: MemberOptions) {
    const { bus, channel, namespace, local } = options
    this.#options = options
    this.id = bus.servers.newId()
    this.#delivered = bus.feed.position
    if (namespace.server.opts.connectionStateRecovery !== undefined)
      this.recovery = new Recovery({
        bus,
        channel,
        namespace,
        server: this.id,
        delivered: () => this.#delivered,
        reached: (offset) => new Promise((resolve) => this.#held.run(offset, resolve)),
        roomsOf: (sid) => local.sids.get(sid) ?? [],
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
    if (local === true || packet.id !== undefined) this.#here(() => this.#emit(packet, options))
    else this.#tell({ kind: 'event', packet, target: targetOf(options) }, volatile === undefined)
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
    if (local !== true) return this.#tell(message)
    this.#here(() => this.#handle({ ...message, from: this.id }))
    // socket.io waits for a count of every server also then.
    for (const other of others) this.#questions.counted(request, other, 0)
  }

  /** Says what is to become of sockets. */
  command(message: Message & { kind: 'join' | 'leave' | 'disconnect' }): void {
    if (message.target.flags.local === true) this.#here(() => this.#handle({ ...message, from: this.id }))
    else this.#tell(message)
  }

  /** The sockets of all servers. */
  async fetchSockets(options: BroadcastOptions): Promise<SocketDetails[]> {
    const { requestTimeout, local } = this.#options
    await new Promise<void>((resolve) => this.#here(resolve))
    const here = await local.fetchSockets(options)
    if (options.flags?.local === true) return here
    const timeout = options.flags?.timeout ?? requestTimeout
    const target = targetOf(options)
    const ask = (request: string): void => this.#send({ kind: 'fetch', target, request })
    const result = await this.#requests.ask<SocketDetails>(this.others(), timeout, ask)
    if (result.missing > 0) throw late(result, timeout)
    return [...here, ...result.answers]
  }

  /** Sends an event to the other servers; with a function at its end each of them answers. */
  serverSideEmit(packet: readonly unknown[]): void {
    const answer = packet.at(-1)
    if (typeof answer !== 'function') return this.#send({ kind: 'server', packet })
    const { requestTimeout } = this.#options
    const ask = (request: string): void =>
      this.#send({ kind: 'server', packet: packet.slice(0, -1), request })
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
    this.#held.run(after, () => this.#handle(envelope))
  }

  onStored(message: StoredMessage): void {
    this.#delivered = message.offset
    if (message.type === largeType) return
    this.#handle(this.recovery?.decode(message) ?? decode(message.data), true)
  }

  onReached(offset: number): void {
    this.#delivered = offset
    this.#held.release()
  }

  onEpoch(offset: number): void {
    this.#delivered = offset
    this.#order.reset()
    this.#held.release(Infinity)
    this.recovery?.restart(offset)
  }

  /** Its clients come back, and are told that they have missed something. */
  onLost(): void {
    for (const socket of this.#options.namespace.sockets.values()) socket.conn.close()
  }

  onGone(): void {
    if (this.waiting === 0) return
    const living = new Set([...this.others(), this.id])
    this.#requests.keepOnly(living)
    this.#questions.keepOnly(living)
  }

  /** Tells all servers, this one too. */
  #tell(message: Message, isStorable = true): void {
    if (isStorable && this.recovery !== undefined) this.#store(message.kind, this.#encode(message))
    else this.#send(message, () => this.#handle({ ...message, from: this.id }))
  }

  /** Tells the other servers, and does something here. */
  #send(message: Message, here?: () => void): void {
    const { bus, channel } = this.#options
    const text = this.#encode(message)
    // The offset that is put before it has room enough.
    if (!bus.fits(channel, `${Number.MAX_SAFE_INTEGER}\n${text}`)) return this.#sendLarge(text, here)
    this.#order.run((after) => {
      bus.send(channel, `${after}\n${text}`, this)
      if (here !== undefined) this.#held.run(after, here)
    })
  }

  /** What is too long for the relay is stored, and read by the others when the relay says where it is. */
  #sendLarge(text: string, here?: () => void): void {
    const { bus, channel } = this.#options
    const written = bus.enter(() => bus.log.publish(channel, largeType, text))
    let offset: number | undefined
    this.#order.storing(written.then((known) => (offset = known)))
    written.catch((error: unknown) =>
      bus.failed('something large could not be stored, and was not sent', error),
    )
    this.#order.run((after) => {
      if (offset !== undefined)
        bus.send(channel, `${after}\n${this.#encode({ kind: 'large', offset })}`, this)
      if (here !== undefined) this.#held.run(after, here)
    })
  }

  #store(kind: string, text: string): void {
    const { bus, channel } = this.#options
    const isAlone = bus.database.transaction === undefined
    const written = bus.log.publish(channel, kind, text)
    written.catch((error: unknown) =>
      bus.failed(`something was not sent (${kind}), because it could not be stored`, error),
    )
    // In a transaction nobody knows yet whether it will be there.
    if (isAlone) this.#order.storing(written)
  }

  /** Does something in this server alone, after what was stored before. */
  #here(work: () => void): void {
    this.#order.run((after) => this.#held.run(after, work))
  }

  #encode(message: Message): string {
    return encode({ ...message, from: this.id })
  }

  #reply(to: string, message: Answer): void {
    if (to === this.id) this.#handle({ ...message, from: this.id })
    else this.#options.bus.enter(() => this.#send(message))
  }

  /** To the sockets of this server; every event has a position, so that the last one is good for coming back. */
  #emit(packet: Packet, options: BroadcastOptions): void {
    const { recovery } = this
    const isResumable = recovery !== undefined && packet.id === undefined
    const data = isResumable ? [...packet.data, recovery.positionOf(this.#delivered)] : packet.data
    this.#options.local.broadcast({ ...packet, data }, options)
  }

  #handle(envelope: Envelope, isStored = false): void {
    const { local, namespace } = this.#options
    const { from } = envelope
    switch (envelope.kind) {
      case 'event': {
        const options = optionsOf(envelope.target)
        if (isStored && this.recovery !== undefined) local.broadcast(envelope.packet, options)
        else this.#emit(envelope.packet, options)
        return
      }
      case 'question':
        return this.#question(envelope)
      case 'join':
        return local.addSockets(optionsOf(envelope.target), [...envelope.rooms])
      case 'leave':
        return local.delSockets(optionsOf(envelope.target), [...envelope.rooms])
      case 'disconnect':
        return local.disconnectSockets(optionsOf(envelope.target), envelope.close)
      case 'fetch':
        if (from !== this.id) void this.#answerWithSockets(envelope)
        return
      case 'server':
        if (from !== this.id) this.#handleServerEvent(envelope)
        return
      case 'large':
        return this.#readLarge(envelope.offset)
      case 'moved':
        if (from !== this.id) this.recovery?.moved(envelope.sid, envelope.pid)
        return
      default:
        if (envelope.to === this.id) this.#answered(envelope)
    }
  }

  #readLarge(offset: number): void {
    const { bus, channel } = this.#options
    const [message] = bus.log.after(channel, offset - 1, 1)
    if (message?.offset === offset) this.#handle(decode(message.data))
  }

  #answered(envelope: Answer & { from: string }): void {
    const { from, request } = envelope
    if (envelope.kind === 'counted') this.#questions.counted(request, from, envelope.count)
    else if (envelope.kind === 'acknowledged') this.#questions.answered(request, from, envelope.answer)
    else if (envelope.kind === 'sockets')
      this.#requests.answer(request, from, envelope.sockets, envelope.isLast)
    else this.#requests.answer(request, from, [envelope.answer])
  }

  #question({ packet, target, request, from }: Envelope & { kind: 'question' }): void {
    const { local, namespace, requestTimeout } = this.#options
    const mine = { ...packet }
    local.broadcastWithAck(
      mine,
      optionsOf(target),
      (count) => this.#reply(from, { kind: 'counted', to: from, request, count }),
      (answer) => this.#reply(from, { kind: 'acknowledged', to: from, request, answer }),
    )
    // What a client never answers is not waited for for ever.
    setTimeout(() => {
      for (const socket of namespace.sockets.values()) socket.acks.delete(mine.id!)
    }, target.flags.timeout ?? requestTimeout).unref()
  }

  #handleServerEvent({ packet, request, from }: Envelope & { kind: 'server' }): void {
    const { namespace } = this.#options
    if (request === undefined) return namespace._onServerSideEmit([...packet])
    this.#once.handle(
      request,
      (answer) => namespace._onServerSideEmit([...packet, answer]),
      (answer) => this.#reply(from, { kind: 'answered', to: from, request, answer }),
    )
  }

  async #answerWithSockets({ from, request, target }: Envelope & { kind: 'fetch' }): Promise<void> {
    const pieces = piecesOf(await this.#options.local.fetchSockets(optionsOf(target)))
    const messages = pieces.map((sockets, index): Answer => ({
      kind: 'sockets',
      to: from,
      request,
      sockets,
      isLast: index === pieces.length - 1,
    }))
    const texts = messages.map((message) => this.#encode(message))
    const size = texts.reduce((sum, text) => sum + text.length, 0)
    if (size <= mostSent) for (const message of messages) this.#reply(from, message)
    else for (const text of texts) this.#sendLarge(text)
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
