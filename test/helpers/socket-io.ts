import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type ServerOptions, type Socket as ServerSocket } from 'socket.io'
import { Adapter } from 'socket.io-adapter'
import { io as connect, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import type { Database } from '../../src/database/index.ts'
import { createAdapter, type SocketIoAdapterOptions } from '../../src/realtime/adapters/socket-io/index.ts'
import { Realtime } from '../../src/realtime/index.ts'
import { realtimeDatabase } from './realtime.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'
import { waitUntil } from './wait-until.ts'

type Recovery = { maxDisconnectionDuration: number; skipMiddlewares?: boolean }

/** What a test may choose. */
export interface SocketIoOptions {
  recovery?: Recovery
  servers?: Partial<ServerOptions>
  adapter?: Partial<SocketIoAdapterOptions<typeof Adapter>>
  client?: Partial<ManagerOptions & SocketOptions>
}

/** A server of socket.io with the adapter, on a Realtime of its own, as if in a process of its own. */
export class SocketIoServer implements AsyncDisposable {
  readonly realtime: Realtime
  readonly io: Server
  readonly logger: RecordingLogger
  readonly #http = createServer()

  private constructor(
    { recovery, servers, adapter }: SocketIoOptions,
    realtime: Realtime,
    logger: RecordingLogger,
  ) {
    this.logger = logger
    this.realtime = realtime
    this.io = new Server(this.#http, {
      ...servers,
      adapter: createAdapter({ realtime, Adapter, ...adapter }),
      ...(recovery && { connectionStateRecovery: recovery }),
    })
  }

  static async start(database: Database, options: SocketIoOptions = {}): Promise<SocketIoServer> {
    const logger = recordingLogger()
    const realtime = new Realtime({ database, logger })
    await realtime.start()
    const server = new SocketIoServer(options, realtime, logger)
    server.#http.listen(0, '127.0.0.1')
    await once(server.#http, 'listening')
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.io.close()
    await this.realtime.stop()
  }
}

/** Three servers that know each other, each with one client. */
export class SocketIoCluster implements AsyncDisposable {
  readonly database: Database
  readonly servers: SocketIoServer[] = []
  readonly clients: Socket[] = []
  /** What each server has of its client. */
  readonly sockets: ServerSocket[] = []

  private constructor(database: Database) {
    this.database = database
  }

  static async start(options: SocketIoOptions = {}): Promise<SocketIoCluster> {
    const cluster = new SocketIoCluster(await realtimeDatabase())
    for (let count = 0; count < 3; count++)
      cluster.servers.push(await SocketIoServer.start(cluster.database, options))
    await cluster.untilMet()
    for (const server of cluster.servers) {
      const connected = new Promise<ServerSocket>((resolve) => server.io.once('connection', resolve))
      cluster.client(server, options.client)
      cluster.sockets.push(await connected)
    }
    await Promise.all(
      cluster.clients.map((client) => waitUntil('the client is connected', () => client.connected)),
    )
    return cluster
  }

  get ios(): Server[] {
    return this.servers.map(({ io }) => io)
  }

  /** One more client of a server. */
  client(server: SocketIoServer, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
    const client = connect(server.url, {
      transports: ['websocket'],
      reconnectionDelay: 10,
      forceNew: true,
      ...options,
    })
    this.clients.push(client)
    return client
  }

  /** Waits until each server counts all others, and the relays have met. */
  async untilMet(namespace = '/'): Promise<void> {
    const others = this.servers.length - 1
    await waitUntil('the servers meet', async () => {
      const counts = await Promise.all(this.ios.map((io) => io.of(namespace).adapter.serverCount()))
      return (
        counts.every((count) => count === others + 1) &&
        this.servers.every(({ realtime }) => realtime.stats().relay!.peers === others)
      )
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) endClient(client)
    for (const server of this.servers) await server[Symbol.asyncDispose]()
    await this.database.stop()
  }
}

/** Ends a client with all its namespaces. */
export function endClient(client: Socket): void {
  client.io.reconnection(false)
  client.disconnect()
  client.io.engine?.close()
}

/** Writes down what clients get of an event, as `client: arguments`. */
export class Heard {
  readonly by: unknown[][][]

  constructor(clients: readonly Socket[], event: string) {
    this.by = clients.map(() => [])
    for (const [index, client] of clients.entries())
      client.on(event, (...args: unknown[]) => void this.by[index]!.push(args))
  }

  /** Which clients have got something, and how often. */
  get counts(): number[] {
    return this.by.map((each) => each.length)
  }
}

/**
 * Sends a mark to everybody, and waits until all have it: what was sent before it by the same server, and has not come, comes no more.
 */
export async function untilMarked(from: Server, clients: readonly Socket[]): Promise<void> {
  const marks = clients.map((client) => new Promise<void>((resolve) => client.once('mark', () => resolve())))
  from.emit('mark')
  await Promise.all(marks)
}
