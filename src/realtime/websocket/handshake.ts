import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { subprotocol } from '../protocol.ts'
import { deflateOptions, takesDeflated } from './deflate.ts'
import { ServerWebSocket } from './web-socket.ts'
import { WebSocketTransport } from './websocket-transport.ts'

/** How long a client may take to answer the close frame, in milliseconds. */
const closeTimeout = 2_000
/** Options that the types of `ws` do not list yet. */
const unlistedOptions: object = { closeTimeout }
/** What a message may have beside its data: the name of the channel, the key. */
const envelope = 16_384

/** A WebSocket that is open. */
export interface OpenWebSocket {
  readonly webSocket: ServerWebSocket
  readonly transport: WebSocketTransport
}

/** Speaks the handshake of WebSockets on connections that HTTP hands over. */
export class Handshake {
  readonly #server: ReturnType<typeof serverOf>

  /** @param messageSize Size limit of the data of a message, in bytes; larger frames are refused before they are read whole. */
  constructor(options: { compression: boolean; messageSize: number }) {
    this.#server = serverOf(options)
  }

  /** Opens a WebSocket; calls back unless the request was malformed and has been refused. */
  open(incoming: IncomingMessage, socket: Duplex, head: Buffer, opened: (open: OpenWebSocket) => void): void {
    this.#server.handleUpgrade(incoming, socket, head, (webSocket) => {
      const deflate = (
        webSocket as unknown as { _extensions: Record<string, { params?: Record<string, unknown> }> }
      )._extensions['permessage-deflate']
      const transport = new WebSocketTransport(webSocket, socket as Socket, takesDeflated(deflate))
      opened({ webSocket, transport })
    })
  }
}

function serverOf({ compression, messageSize }: { compression: boolean; messageSize: number }) {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: ServerWebSocket,
    perMessageDeflate: compression ? deflateOptions : false,
    maxPayload: messageSize + envelope,
    ...unlistedOptions,
    handleProtocols: (offered: Set<string>) => (offered.has(subprotocol) ? subprotocol : false),
  })
}
