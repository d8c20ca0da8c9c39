import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { option, readOptions, Service, StateError, type StopOptions } from '../core/index.ts'
import { refuse, type FileChange, type Migration } from '../database/index.ts'
import { Channel, type Published } from './channel.ts'
import type { ChannelTypes } from './channels/channel-types.ts'
import type { AnyChannelDefinition, ChannelDefinition } from './channels/define-channel.ts'
import type { Fragment } from './channels/fragment.ts'
import type { ClientEnvironment } from './connections/identify.ts'
import type { Authenticate } from './connections/needs.ts'
import type { TrimMessage } from './events.ts'
import type { ControlTarget } from './log/message.ts'
import { migrations } from './migrations.ts'
import type { OpenRealtime } from './open-realtime.ts'
import { readDefinitions, resolveOptions, type RealtimeOptions, type ResolvedOptions } from './options.ts'
import { formatPosition, type PositionText } from './protocol.ts'
import { beginEpoch, selectTables } from './sql.ts'
import { lagOf, readHere, type RealtimeHere, type RealtimeStats } from './stats.ts'
import { refuseUpgrade } from './websocket/refuse-upgrade.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- whoever its users are
type DefinitionOf<Types extends ChannelTypes> = ChannelDefinition<string, Types, any>

/** Who is meant by {@link Realtime.reauthorize}: everybody whom all fields that are there fit. */
export interface ReauthorizeOptions {
  /** Name of a channel: `realtime.channel(room, { id }).name`. */
  channel?: string
  /** Id of a user. */
  user?: string | number
}

/** Who is meant by {@link Realtime.disconnect}, and what they are told. */
export interface DisconnectOptions extends ReauthorizeOptions {
  /** Default: `'disconnected'`. */
  reason?: string
}

/** What {@link Realtime.define} adds. */
export interface Definitions {
  /** Channels, as `defineChannel` returns them. */
  channels?: readonly AnyChannelDefinition[]
  /** Says who asks, in the place of the option. */
  authenticate?: Authenticate
}

/** What a Realtime is made of. */
export interface Inside {
  readonly options: ResolvedOptions
  readonly parts: OpenRealtime
}

const insides = new WeakMap<Realtime, () => Inside>()

/**
 * What is in a started Realtime, for what stands on it in this part: its adapters.
 *
 * @throws StateError `HANDCAR_NOT_STARTED`
 */
export function insideOf(realtime: Realtime): Inside {
  return insides.get(realtime)!()
}

/**
 * Channels whose messages are rows of the app's own file: published with a transaction, delivered after its commit and in the order of
 * commits, to WebSockets and event streams, and replayed to clients that come back.
 *
 * ```ts
 * const realtime = new Realtime({ database, channels: [room], authenticate: (request) => userOf(request) })
 * await realtime.start()
 * await database.write((tx) => {
 *   tx.run(sql`insert into posts …`)
 *   void realtime.publish(room, { id: 1 }, 'posted', post)   // is part of the transaction
 * })
 * ```
 *
 *     publish ─► Publisher ─► Log (rows) ─► commit ─► Feed ─► Connections ─► clients
 *                   └─ ephemeral ─► Relay ────────────────────────┘ └─► Presence
 *                                   Trimmer: what the log keeps
 *
 * How and why: `docs/parts/realtime.md`.
 */
export class Realtime extends Service {
  /** The tables of the part: `new Database({ partMigrations: { realtime: Realtime.migrations } })`. */
  static readonly migrations: readonly Migration[] = migrations

  /** For a database that has gone back to an earlier state, before it is opened: every position that a client has is a gap. */
  static readonly afterRestore: FileChange = { table: 'handcar_realtime_state', statements: [beginEpoch] }

  readonly #options: ResolvedOptions
  #open: OpenRealtime | undefined

  /**
   * Checks the options; opens nothing.
   *
   * @throws OptionsError
   */
  constructor(options: RealtimeOptions) {
    const resolved = resolveOptions(options)
    super(resolved.stopTimeout)
    this.#options = resolved
    insides.set(this, () => ({ options: resolved, parts: this.#ready() }))
  }

  /**
   * Adds channels, and says who asks, where that is known later than the rest of the options: before the start.
   *
   * @throws OptionsError; StateError `HANDCAR_REALTIME_STARTED`
   */
  define(definitions: Definitions): void {
    if (this.state !== 'stopped')
      throw new StateError(
        'HANDCAR_REALTIME_STARTED',
        `Channels were defined when realtime was ${this.state}`,
      )
    const { channels, authenticate } = readDefinitions(definitions)
    this.#options.channels.add(channels)
    this.#options.authenticate = authenticate ?? this.#options.authenticate
  }

  /** The channels that are defined. */
  get channels(): readonly AnyChannelDefinition[] {
    return [...this.#options.channels]
  }

  /** Whether a name is that of a channel that is defined. */
  knows(channel: string): boolean {
    return this.#options.channels.match(channel) !== undefined
  }

  /** Whether it takes clients: it is started, there are channels, and the option `serve` is not `false`. */
  get serves(): boolean {
    return this.#open?.serves === true
  }

  /** Where clients connect. */
  get path(): string {
    return this.#options.path
  }

  /**
   * Publishes a message to a channel. Inside a body of `database.write` it is part of that transaction: it is delivered when that has
   * committed, in the order of commits, or never; a message that is refused throws at once, so that the body rolls back. Resolves
   * with its offset.
   *
   * An ephemeral message is delivered at once, at most once, to whoever is connected, whatever becomes of the transaction.
   *
   * @throws OptionsError `HANDCAR_REALTIME_MESSAGE`, `HANDCAR_REALTIME_CHANNEL`; StateError `HANDCAR_NOT_STARTED`
   */
  publish<Types extends ChannelTypes, Type extends keyof Types['messages'] & string>(
    definition: DefinitionOf<Types>,
    params: Types['params']['input'],
    type: Type,
    data: Types['messages'][Type]['input'],
  ): Promise<Published<Types, Type>> {
    const { database } = this.#options
    return refuse(database, () => this.#ready().publisher.publish(definition, params, type, data)) as Promise<
      Published<Types, Type>
    >
  }

  /**
   * Publishes a message to a channel that is known by its name only, as `publish` does: for tools.
   *
   * @throws OptionsError `HANDCAR_REALTIME_MESSAGE`, `HANDCAR_REALTIME_CHANNEL`; StateError `HANDCAR_NOT_STARTED`
   */
  publishTo(channel: string, type: string, data: unknown): Promise<number | undefined> {
    return refuse(this.#options.database, () => this.#ready().publisher.publishTo(channel, type, data))
  }

  /** Publishes HTML for a place of the pages that are subscribed, to a channel with `messages: { fragment }`; see `applyFragments`. */
  publishFragment<Types extends ChannelTypes & { messages: { fragment: { input: Fragment } } }>(
    definition: DefinitionOf<Types>,
    params: Types['params']['input'],
    fragment: Fragment,
  ): Promise<Published<Types, 'fragment'>> {
    return this.publish(definition, params, 'fragment', fragment)
  }

  /**
   * One channel: its name, who is there, what it has.
   *
   * @throws OptionsError `HANDCAR_REALTIME_CHANNEL`
   */
  channel<Types extends ChannelTypes>(
    definition: DefinitionOf<Types>,
    params: Types['params']['input'],
  ): Channel<Types> {
    const { log, presence } = this.#ready()
    return new Channel(this.#options.channels.nameOf(definition, params), {
      log,
      publish: (type, data) => this.publish(definition, params, type, data),
      presence: (name) => presence.list(name),
    })
  }

  /**
   * Where the log ends, as text; inside a body of `database.read`, for what that sees: a client that subscribes from there gets what came
   * after the rows that were read with it, all of it and once.
   */
  position(): PositionText {
    return formatPosition(this.#ready().log.position())
  }

  /**
   * Asks `authorize` again for the subscriptions of a channel, of a user, or all. Called in the transaction that takes a right away,
   * nothing that is committed after it reaches whoever has lost it, in any process.
   */
  reauthorize(options?: ReauthorizeOptions): Promise<void> {
    return refuse(this.#options.database, () => {
      const target = readTarget(readOptions('realtime.reauthorize', options, targetReaders))
      return this.#ready().publisher.control('reauthorize', target)
    })
  }

  /** Ends the subscriptions to a channel, or, without one, the connections: of a user, or all. Otherwise as `reauthorize`. */
  disconnect(options?: DisconnectOptions): Promise<void> {
    return refuse(this.#options.database, () => {
      const { reason, ...target } = readOptions('realtime.disconnect', options, {
        ...targetReaders,
        reason: option.text('disconnected'),
      })
      return this.#ready().publisher.control('disconnect', { ...readTarget(target), reason })
    })
  }

  /**
   * Makes every position of before a gap, so that all clients read their state anew: after an older state of the database was written
   * into its file. A file that was replaced is noticed at the start.
   */
  async newEpoch(): Promise<void> {
    await this.#ready().log.newEpoch()
  }

  /** Deletes what the option `retention` lets go, now; what one process does by itself every minute or so. Resolves with how much it was. */
  async trim(): Promise<TrimMessage> {
    return await this.#ready().trimmer.trim()
  }

  /** Takes over a connection that wants to be a WebSocket: `server.onUpgrade(realtime.upgrade)`. One for another path is refused. */
  readonly upgrade = (
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    environment?: ClientEnvironment,
  ): void => {
    const path = incoming.url?.split('?', 1)[0]
    if (path === this.#options.path && this.#open?.serves)
      this.#open.connections.upgrade(incoming, socket, head, environment)
    else if (this.#open === undefined) refuseUpgrade(socket, 503, 'Realtime is not started')
    else refuseUpgrade(socket, 404, 'There is nothing here')
  }

  /**
   * Answers the requests of clients: event streams and messages by POST at the option `path`, and the client itself at
   * `<path>/client.js`. Anything else is 404.
   *
   * @param environment What the server knows of the request.
   */
  async fetch(request: Request, environment?: unknown): Promise<Response> {
    const { connections, serves } = this.#ready()
    const { pathname } = new URL(request.url)
    if (!serves) return new Response('Not found', { status: 404 })
    if (pathname === this.#options.path) return await connections.fetch(request, environment)
    const isFile = pathname === `${this.#options.path}/client.js` && request.method === 'GET'
    if (!isFile) return new Response('Not found', { status: 404 })
    const { answerClientFile } = await import('./client-file.ts')
    return await answerClientFile(request)
  }

  /**
   * Sends the clients of this process away, each with the time at which to come back: `server.onDrain(() => realtime.drain())`. Resolves
   * when they are gone. `stop()` does it too.
   */
  async drain(options?: StopOptions): Promise<void> {
    const { stopTimeout } = this.#options
    const { timeout } = readOptions('realtime.drain', options, { timeout: option.duration(stopTimeout) })
    await this.#open?.connections.drain(timeout)
  }

  /** What is told of this process to those who watch over it; `undefined` where no clients are taken. */
  get here(): RealtimeHere | undefined {
    return this.serves ? readHere(this.#ready()) : undefined
  }

  /** What realtime is doing in this process. */
  stats(): RealtimeStats {
    const { serves, log, feed, connections, presence, relay, trimmer } = this.#ready()
    return {
      feed: { ...feed.stats(), lag: serves ? lagOf({ log, feed }) : 0 },
      connections: connections.stats(),
      presence: presence.stats(),
      relay: relay?.stats(),
      retention: trimmer.stats(),
    }
  }

  protected async open(): Promise<void> {
    const { database } = this.#options
    if (database.get(selectTables) === undefined)
      throw new StateError(
        'HANDCAR_REALTIME_TABLES',
        `The database ${database.path} has no tables for realtime`,
      )
    // Read only where it is needed: every command of handcar knows this class, and few open it.
    const opening = await import('./open-realtime.ts')
    this.#open = await opening.OpenRealtime.open(this.#options, this)
  }

  protected async close(timeout: number): Promise<void> {
    await this.#open?.close(timeout)
    this.#open = undefined
  }

  #ready(): OpenRealtime {
    if (this.#open !== undefined) return this.#open
    throw new StateError('HANDCAR_NOT_STARTED', `Realtime is not started (it is ${this.state})`)
  }
}

const targetReaders = {
  channel: option.optional(option.text()),
  user: option.optional(
    option.matching(
      'the id of a user: a text or a number',
      (value): value is string | number => typeof value === 'string' || typeof value === 'number',
    ),
  ),
}

function readTarget({ channel, user }: ReauthorizeOptions): ControlTarget {
  return {
    ...(channel !== undefined && { channel }),
    ...(user !== undefined && { user: String(user) }),
  }
}
