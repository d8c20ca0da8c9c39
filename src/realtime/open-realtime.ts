import type { HandcarError } from '../core/index.ts'
import { refuse } from '../database/index.ts'
import { Connections } from './connections/connections.ts'
import { Ephemeral } from './ephemeral.ts'
import { Feed } from './log/feed.ts'
import { Log } from './log/log.ts'
import { Trimmer } from './log/trimmer.ts'
import type { ResolvedOptions } from './options.ts'
import { Presence } from './presence/presence.ts'
import { Publisher } from './publisher.ts'
import type { Realtime } from './realtime.ts'
import { Relay } from './relay/relay.ts'

/** The parts of a started Realtime, put together; where the files are is known only when the database is open. */
export class OpenRealtime {
  /** Whether clients are taken here; a process that only publishes starts nothing that would read what others have published. */
  readonly serves: boolean
  readonly log: Log
  readonly feed: Feed
  readonly trimmer: Trimmer
  readonly relay: Relay | undefined
  readonly presence: Presence
  readonly connections: Connections
  readonly publisher: Publisher
  readonly #ephemeral: Ephemeral
  #serving: Promise<void> | undefined

  private constructor(options: ResolvedOptions, realtime: Realtime) {
    const { database, logger, channels, limits, presenceGrace: grace } = options
    const { path } = database
    this.serves = options.serve && channels.size > 0
    this.log = new Log(options)
    const { log } = this
    this.feed = new Feed({ ...options, log })
    const { feed } = this
    this.trimmer = new Trimmer({ ...options, feed })
    this.relay = options.relay ? new Relay({ path, logger }) : undefined
    const { relay } = this
    this.presence = new Presence({ ...options, relay, grace })
    const { presence } = this
    this.connections = new Connections({
      ...options,
      log,
      feed,
      presence,
      realtime,
      publish: (channel, type, data) => refuse(database, () => this.publisher.publishTo(channel, type, data)),
    })
    this.#ephemeral = new Ephemeral(relay, (message) => this.connections.deliver(message))
    this.publisher = new Publisher({
      log,
      channels,
      messageSize: limits.messageSize,
      broadcast: (message) => this.#ephemeral.broadcast(message),
    })
  }

  /**
   * Starts everything, or nothing.
   *
   * @param realtime What handlers of channels get.
   */
  static async open(options: ResolvedOptions, realtime: Realtime): Promise<OpenRealtime> {
    const parts = new OpenRealtime(options, realtime)
    try {
      await parts.#start()
      return parts
    } catch (error) {
      await parts.close(0)
      throw error
    }
  }

  /**
   * Sends the clients away, and ends everything.
   *
   * @param timeout How long the clients have, in milliseconds.
   */
  async close(timeout: number): Promise<void> {
    await this.connections.drain(timeout)
    this.connections.close()
    this.#ephemeral.stop()
    await this.trimmer.stop()
    await this.presence.stop()
    await this.relay?.stop()
    this.feed.stop()
  }

  /** Starts what serves clients, where there are no channels for which that was done: for adapters. Idempotent. */
  serve(): Promise<void> {
    this.#serving ??= this.#serve()
    return this.#serving
  }

  async #start(): Promise<void> {
    if (!this.serves) return await this.log.open().catch(passReadOnly)
    await this.log.open()
    await this.serve()
  }

  async #serve(): Promise<void> {
    this.feed.start()
    const [{ WebSocketGate }] = await Promise.all([import('./websocket/gate.ts'), this.relay?.start()])
    await this.presence.start()
    this.connections.start(WebSocketGate)
    this.#ephemeral.start()
    this.trimmer.start()
  }
}

/** Where nothing may be written nothing is published, and what there is can be looked at. */
function passReadOnly(error: unknown): void {
  if ((error as Partial<HandcarError>).code !== 'HANDCAR_READ_ONLY') throw error
}
