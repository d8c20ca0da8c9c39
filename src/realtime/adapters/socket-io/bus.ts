import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { OptionsError, type Clock, type Logger } from '../../../core/index.ts'
import type { Database } from '../../../database/index.ts'
import { socketIoChannel } from '../../channels/reserved.ts'
import { errorEvent } from '../../events.ts'
import type { Feed } from '../../log/feed.ts'
import type { Log } from '../../log/log.ts'
import type { StoredMessage } from '../../log/message.ts'
import { insideOf, type Realtime } from '../../realtime.ts'
import { fits } from '../../relay/frames.ts'
import type { Relay } from '../../relay/relay.ts'
import { Servers } from './servers.ts'

/** What a server hears of the others in its namespace. */
export interface BusListener {
  /** Something that is not stored. */
  onSent(text: string): void
  /** Something that is stored, of this server too, in order. */
  onStored(message: StoredMessage): void
  /** Everything up to this offset was delivered. */
  onReached(offset: number): void
  /** Offsets of before mean nothing any more. */
  onEpoch(offset: number): void
  /** Retention was faster than this process: something is missing before the next message. */
  onLost(): void
  /** A process may have ended. */
  onGone(): void
}

const buses = new WeakMap<Log, Bus>()

/**
 * What the servers of socket.io in this process share of one Realtime: its log, its feed and its relay, each listened to once for all
 * namespaces.
 */
export class Bus {
  readonly database: Database
  readonly log: Log
  readonly feed: Feed
  readonly logger: Logger
  readonly clock: Clock
  readonly servers: Servers
  /** Runs what writes outside of the transaction in whose context it may have been called. */
  readonly enter = AsyncLocalStorage.snapshot()
  /** Resolves when the relay has met the others, or tries to. */
  readonly ready: Promise<void>
  readonly #relay: Relay
  readonly #listeners = new Map<string, Set<BusListener>>()
  readonly #offs = new Map<BusListener, () => void>()

  private constructor(realtime: Realtime) {
    const { options, parts } = insideOf(realtime)
    if (parts.relay === undefined)
      throw new OptionsError(
        'HANDCAR_OPTION_INVALID',
        'The socket.io adapter expects a Realtime with relay, got relay: false',
      )
    this.database = options.database
    this.logger = options.logger
    this.clock = options.clock
    this.log = parts.log
    this.feed = parts.feed
    this.#relay = parts.relay
    this.servers = new Servers(options.database, () => this.clock.now())
    this.ready = parts.serve()
    this.#listen()
  }

  /**
   * The one of a Realtime.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  static of(realtime: Realtime): Bus {
    const { log } = insideOf(realtime).parts
    const known = buses.get(log)
    if (known !== undefined) return known
    const bus = new Bus(realtime)
    buses.set(log, bus)
    return bus
  }

  /** The name of a namespace in the log and in the relay; names come from clients and may be long. */
  static channelOf(namespace: string): string {
    return `${socketIoChannel}${namespace.length <= 200 ? namespace : createHash('sha256').update(namespace).digest('hex')}`
  }

  /** Listens to a namespace. Returns what ends it. */
  add(channel: string, listener: BusListener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners.add(listener))
    this.#offs.set(
      listener,
      this.#relay.on(channel, (text) => listener.onSent(text)),
    )
    return () => {
      this.#offs.get(listener)?.()
      this.#offs.delete(listener)
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(channel)
    }
  }

  /** Whether a text is short enough for {@link send}. */
  fits(channel: string, text: string): boolean {
    return fits(channel, text)
  }

  /** Sends to the other servers of a namespace, at most once. */
  send(channel: string, text: string, from: BusListener): void {
    this.#relay.send(channel, text)
    for (const listener of this.#listeners.get(channel) ?? [])
      if (listener !== from) queueMicrotask(() => this.#call(() => listener.onSent(text)))
  }

  #listen(): void {
    this.feed.onMessages((messages) => {
      for (const message of messages)
        for (const listener of this.#listeners.get(message.channel) ?? [])
          this.#call(() => listener.onStored(message))
      this.#tell((listener) => listener.onReached(this.feed.position))
    })
    this.feed.onEpoch(({ offset }) => this.#tell((listener) => listener.onEpoch(offset)))
    this.feed.onLost((channels) => {
      for (const channel of channels)
        for (const listener of this.#listeners.get(channel) ?? []) this.#call(() => listener.onLost())
    })
    this.#relay.onGone(() => {
      this.#tell((listener) => listener.onGone())
      this.enter(() => this.servers.settle()).catch((error: unknown) =>
        this.failed('what a process has left could not be settled', error),
      )
    })
  }

  /** Logs what went wrong. */
  failed(what: string, error: unknown): void {
    this.logger.error({ error: String(error) }, `socket.io: ${what}`)
    errorEvent.publish({ during: 'socket.io', error })
  }

  #tell(call: (listener: BusListener) => void): void {
    for (const listeners of this.#listeners.values())
      for (const listener of listeners) this.#call(() => call(listener))
  }

  #call(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.failed('a message could not be handled', error)
    }
  }
}
