import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { option, systemClock, type Clock } from '../../src/core/index.ts'
import type { Database } from '../../src/database/index.ts'
import { Channels } from '../../src/realtime/channels/channels.ts'
import type { AnyChannelDefinition } from '../../src/realtime/channels/define-channel.ts'
import { Connections } from '../../src/realtime/connections/connections.ts'
import { readLimits, type LimitOptions } from '../../src/realtime/connections/limits.ts'
import type {
  Authenticate,
  PresenceBook,
  PresenceChange,
  PresenceEntry,
} from '../../src/realtime/connections/needs.ts'
import type { Realtime } from '../../src/realtime/realtime.ts'
import { WebSocketGate } from '../../src/realtime/websocket/gate.ts'
import { FollowedLog, realtimeDatabase } from './realtime.ts'
import { recordingLogger } from './recording-logger.ts'

/** What a test may choose. */
export interface RealtimeServerOptions {
  channels: readonly AnyChannelDefinition[]
  database?: Database
  authenticate?: Authenticate
  origins?: readonly string[]
  limits?: LimitOptions
  heartbeat?: number
  highWater?: number
  compression?: boolean
  clock?: Clock
  /** Bytes of messages in memory. */
  memory?: number
}

/** Presence in memory, for tests of what is made of it. */
export class PresenceInMemory implements PresenceBook {
  readonly #entries = new Map<string, PresenceEntry & { channel: string }>()
  readonly #listeners = new Set<(channel: string, change: PresenceChange) => void>()

  join(channel: string, entry: PresenceEntry): void {
    this.#entries.set(`${channel} ${entry.connection}`, { ...entry, channel })
    this.#tell(channel, { joined: [entry], left: [] })
  }

  leave(channel: string, connection: string): void {
    const key = `${channel} ${connection}`
    const entry = this.#entries.get(key)
    if (!this.#entries.delete(key)) return
    this.#tell(channel, { joined: [], left: [withoutChannel(entry!)] })
  }

  leaveAll(connection: string): void {
    for (const entry of this.#entries.values())
      if (entry.connection === connection) this.leave(entry.channel, connection)
  }

  list(channel: string): PresenceEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.channel === channel).map(withoutChannel)
  }

  onChange(listener: (channel: string, change: PresenceChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  onReset(): () => void {
    return () => {}
  }

  #tell(channel: string, change: PresenceChange): void {
    for (const listener of this.#listeners) listener(channel, change)
  }
}

function withoutChannel({ user, connection, metadata }: PresenceEntry): PresenceEntry {
  return { user, connection, metadata }
}

/** The connections of a process behind a real HTTP server, with a real log and feed. */
export class RealtimeServer implements AsyncDisposable {
  readonly database: Database
  readonly followed: FollowedLog
  readonly connections: Connections
  readonly presence = new PresenceInMemory()
  readonly logger = recordingLogger()
  readonly #http = createServer()
  readonly #ownsDatabase: boolean

  private constructor(database: Database, options: RealtimeServerOptions) {
    const { clock = systemClock, memory } = options
    this.database = database
    this.#ownsDatabase = options.database === undefined
    this.followed = new FollowedLog(database, { clock, ...(memory !== undefined && { memory }) })
    this.connections = new Connections({
      database,
      log: this.followed.log,
      feed: this.followed.feed,
      presence: this.presence,
      realtime: {} as Realtime, // for handlers that none of these tests has
      publish: (channel, type, data) => this.publish(channel, type, data),
      channels: new Channels(options.channels),
      authenticate: options.authenticate,
      origins: options.origins ?? [],
      limits: option.optional(readLimits)(options.limits ?? {}, 'limits')!,
      heartbeat: options.heartbeat ?? 25_000,
      highWater: options.highWater ?? 262_144,
      compression: options.compression ?? false,
      clock,
      logger: this.logger,
    })
  }

  static async start(options: RealtimeServerOptions): Promise<RealtimeServer> {
    const server = new RealtimeServer(options.database ?? (await realtimeDatabase()), options)
    await server.#listen()
    return server
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/realtime`
  }

  publish(channel: string, type: string, data: unknown): Promise<number> {
    return this.followed.log.publish(channel, type, JSON.stringify(data))
  }

  /** Says something to all connections through the log. */
  control(type: 'reauthorize' | 'disconnect', target: object): Promise<number> {
    return this.publish('handcar.control', type, target)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connections.close()
    this.followed.feed.stop()
    this.#http.closeAllConnections()
    this.#http.close()
    await once(this.#http, 'close')
    if (this.#ownsDatabase) await this.database.stop()
  }

  async #listen(): Promise<void> {
    this.connections.start(WebSocketGate)
    const listener = getRequestListener((request) =>
      this.connections.fetch(request, { clientAddress: '127.0.0.1' }),
    )
    this.#http.on('request', (request, response) => void listener(request, response))
    this.#http.on('upgrade', (incoming, socket, head) => this.connections.upgrade(incoming, socket, head))
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
  }
}
