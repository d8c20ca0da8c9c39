import type { Bus } from './bus.ts'
import { decode, optionsOf, type Answer, type Envelope } from './message.ts'
import { Once } from './once.ts'
import { piecesOf } from './pieces.ts'
import type { Questions } from './questions.ts'
import type { Recovery } from './recovery.ts'
import type { Requests } from './requests.ts'
import type { BroadcastOptions, LocalAdapter, Namespace, Packet } from './socket-io-types.ts'
import type { StoredEvents } from './stored-events.ts'
import type { Voice } from './voice.ts'

/** So many characters are sent through the relay as one answer; more are stored, because the relay would drop them. */
const mostSent = 524_288

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

/** What a performer needs. */
export interface PerformerOptions {
  readonly bus: Bus
  readonly channel: string
  readonly namespace: Namespace
  readonly local: Local
  readonly requestTimeout: number
  /** The id of this server. */
  readonly server: string
  readonly recovery: Recovery | undefined
  readonly events: StoredEvents
  readonly voice: Voice
  readonly requests: Requests
  readonly questions: Questions
  /** The offset up to which this server has delivered. */
  readonly delivered: () => number
}

/** Does in this server what a message says, whichever server has said it. */
export class Performer {
  readonly #options: PerformerOptions
  readonly #once = new Once()

  constructor(options: PerformerOptions) {
    this.#options = options
  }

  /**
   * Does what it says. What goes wrong is logged: it may be done long after it was told.
   *
   * @param isStored Whether it comes from the log, so that an event has its position.
   */
  perform(envelope: Envelope, isStored = false): void {
    try {
      this.#perform(envelope, isStored)
    } catch (error) {
      this.#options.bus.failed('a message could not be handled', error)
    }
  }

  /** To the sockets of this server; every event gets a position, so that the last one is good for coming back. */
  emit(packet: Packet, options: BroadcastOptions): void {
    const { recovery, delivered, events, local } = this.#options
    const isResumable = recovery !== undefined && packet.id === undefined
    const data = isResumable ? [...packet.data, events.positionOf(delivered())] : packet.data
    local.broadcast({ ...packet, data }, options)
  }

  #perform(envelope: Envelope, isStored: boolean): void {
    const { local, server, recovery } = this.#options
    const isOwn = envelope.from === server
    switch (envelope.kind) {
      case 'event':
        if (isStored && recovery !== undefined)
          return local.broadcast(envelope.packet, optionsOf(envelope.target))
        return this.emit(envelope.packet, optionsOf(envelope.target))
      case 'question':
        return this.#question(envelope)
      case 'join':
        return local.addSockets(optionsOf(envelope.target), [...envelope.rooms])
      case 'leave':
        return local.delSockets(optionsOf(envelope.target), [...envelope.rooms])
      case 'disconnect':
        return local.disconnectSockets(optionsOf(envelope.target), envelope.close)
      case 'fetch':
        return isOwn ? undefined : void this.#list(envelope)
      case 'server':
        return isOwn ? undefined : this.#serverEvent(envelope)
      case 'large':
        return this.#readLarge(envelope.offset)
      case 'moved':
        return isOwn ? undefined : recovery?.moved(envelope.sid, envelope.pid)
      default:
        if (envelope.to === server) this.#answered(envelope)
    }
  }

  #question({ packet, target, request, from }: Envelope & { kind: 'question' }): void {
    const { local, namespace, requestTimeout } = this.#options
    const mine = { ...packet }
    local.broadcastWithAck(
      mine,
      optionsOf(target),
      (count) => this.#reply({ kind: 'counted', to: from, request, count }),
      (answer) => this.#reply({ kind: 'acknowledged', to: from, request, answer }),
    )
    // What a client never answers is not waited for for ever.
    setTimeout(() => {
      for (const socket of namespace.sockets.values()) socket.acks.delete(mine.id!)
    }, target.flags.timeout ?? requestTimeout).unref()
  }

  async #list({ from, request, target }: Envelope & { kind: 'fetch' }): Promise<void> {
    const { local, voice } = this.#options
    const pieces = piecesOf(await local.fetchSockets(optionsOf(target)))
    const messages = pieces.map((sockets, index): Answer => ({
      kind: 'sockets',
      to: from,
      request,
      sockets,
      isLast: index === pieces.length - 1,
    }))
    const texts = messages.map((message) => voice.encode(message))
    const size = texts.reduce((sum, text) => sum + text.length, 0)
    if (size <= mostSent) for (const message of messages) this.#reply(message)
    else for (const text of texts) voice.sendLarge(text)
  }

  #serverEvent({ packet, request, from }: Envelope & { kind: 'server' }): void {
    const { namespace } = this.#options
    if (request === undefined) return namespace._onServerSideEmit([...packet])
    this.#once.handle(
      request,
      (answer) => namespace._onServerSideEmit([...packet, answer]),
      (answer) => this.#reply({ kind: 'answered', to: from, request, answer }),
    )
  }

  #readLarge(offset: number): void {
    const { bus, channel } = this.#options
    const [message] = bus.log.after(channel, offset - 1, 1)
    if (message?.offset === offset) this.perform(decode(message.data))
  }

  #reply(answer: Answer): void {
    const { server, bus, voice } = this.#options
    if (answer.to === server) this.#answered({ ...answer, from: server })
    else bus.enter(() => voice.send(answer))
  }

  #answered(answer: Answer & { readonly from: string }): void {
    const { requests, questions } = this.#options
    const { from, request } = answer
    if (answer.kind === 'counted') questions.counted(request, from, answer.count)
    else if (answer.kind === 'acknowledged') questions.answered(request, from, answer.answer)
    else if (answer.kind === 'sockets') requests.answer(request, from, answer.sockets, answer.isLast)
    else requests.answer(request, from, [answer.answer])
  }
}
