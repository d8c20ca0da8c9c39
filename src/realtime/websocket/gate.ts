import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { elapsed } from '../../core/index.ts'
import { identify, requestMaker, type ClientEnvironment, type Identity } from '../connections/identify.ts'
import type { Census } from '../connections/census.ts'
import type { Client, Connection } from '../connections/connection.ts'
import type { Inbox } from '../connections/inbox.ts'
import type { ConnectionsOptions } from '../connections/needs.ts'
import { mayConnect } from '../connections/origin.ts'
import type { Transport } from '../connections/transport.ts'
import { closeCodes } from '../protocol.ts'
import { Handshake, type OpenWebSocket } from './handshake.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import type { ServerWebSocket } from './web-socket.ts'

/** What the gate asks of the connections. */
export interface GateHost {
  readonly options: ConnectionsOptions
  readonly census: Census
  readonly inbox: Inbox
  readonly accept: (client: Client, transport: Transport) => Connection
  readonly closed: (connection: Connection, code: number) => void
}

/**
 * Lets WebSockets in. Who may not is told so by a close code, because a page cannot see the status of a handshake that fails; only when
 * the process is full, or a request malformed, the handshake itself is refused, which costs least.
 */
export class WebSocketGate {
  readonly #host: GateHost
  readonly #handshake: Handshake
  readonly #listeners: Listeners

  constructor(host: GateHost) {
    this.#host = host
    this.#listeners = listenersOf(host)
    const { compression, limits } = host.options
    this.#handshake = new Handshake({ compression, messageSize: limits.messageSize })
  }

  /** Takes over a connection that HTTP hands over. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, environment?: ClientEnvironment): void {
    const address = environment?.clientAddress ?? incoming.socket.remoteAddress ?? ''
    this.#upgrade(incoming, socket, head, address).catch((error) => {
      this.#host.options.logger.error({ err: error }, 'A WebSocket could not be opened')
      socket.destroy()
    })
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, address: string): Promise<void> {
    const { census, options } = this.#host
    socket.on('error', ignore)
    const request = requestMaker(incoming)
    if (request === undefined) return refuseUpgrade(socket, 400, 'The address is malformed')
    if (census.isFull) return refuseUpgrade(socket, 503, 'There are too many connections')
    const refusal = mayConnect((name) => headerOf(incoming, name), options.origins)
      ? undefined
      : closeCodes.forbiddenOrigin
    const ask = (): Promise<Identity> => identify(request(), options)
    const identity = refusal === undefined ? await census.arrivals.identify(ask) : 'refused'
    if (identity === 'failed') return refuseUpgrade(socket, 503, 'Who this is could not be checked')
    this.#handshake.open(incoming, socket, head, (open) => {
      socket.off('error', ignore) // from here `ws` listens
      this.#opened(open, identity, refusal, { address, request })
    })
  }

  #opened(
    { webSocket, transport }: OpenWebSocket,
    identity: Exclude<Identity, 'failed'>,
    refusal: number | undefined,
    of: Pick<Client, 'address' | 'request'>,
  ): void {
    webSocket.on('error', ignore) // tells of frames that are wrong, for which it is closed already
    if (refusal !== undefined) return webSocket.close(refusal, 'This page may not connect')
    if (identity === 'refused') return webSocket.close(closeCodes.notAuthenticated, 'Who are you?')
    const client = { user: identity.user, ...of }
    if (this.#host.census.hasTooMany(client))
      return webSocket.close(closeCodes.tooMany, 'Too many connections')
    const listeners = this.#listeners
    webSocket.on('message', listeners.message).on('pong', listeners.pong).on('close', listeners.close)
    webSocket.connection = this.#host.accept(client, transport)
  }
}

interface Listeners {
  readonly message: (this: WebSocket, data: RawData, isBinary: boolean) => void
  readonly pong: (this: WebSocket) => void
  readonly close: (this: WebSocket, code: number) => void
}

/** The same functions for all connections: a closure for each would cost each of them memory. */
function listenersOf({ inbox, options, closed }: GateHost): Listeners {
  return {
    message: function (this: WebSocket, data: RawData, isBinary: boolean): void {
      const { connection } = this as ServerWebSocket
      if (connection === undefined) return
      if (isBinary) inbox.refuse(connection, 'malformed', 'Expected text', closeCodes.protocol)
      else inbox.receive(connection, (data as Buffer).toString(), (data as Buffer).length)
    },
    pong: function (this: WebSocket): void {
      const { connection } = this as ServerWebSocket
      if (connection !== undefined) connection.heardAt = elapsed(options.clock)
    },
    close: function (this: WebSocket, code: number): void {
      const { connection } = this as ServerWebSocket
      if (connection !== undefined) closed(connection, code)
    },
  }
}

function ignore(): void {}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
