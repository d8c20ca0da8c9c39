import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Packet } from '../connections/packet.ts'
import type { Transport } from '../connections/transport.ts'
import { pingFrame } from './frame.ts'

/**
 * Carries messages over a WebSocket. `ws` speaks the protocol with the client (handshake, what comes in, ping, close); messages to the
 * client go past it, as frames that are ready, straight to the socket. That is right because every write to the socket, its own too,
 * is one whole frame.
 */
export class WebSocketTransport implements Transport {
  readonly kind = 'websocket'
  readonly #webSocket: WebSocket
  readonly #socket: Socket & { _handle?: { writeQueueSize: number } | null }
  readonly #isDeflating: boolean

  constructor(webSocket: WebSocket, socket: Socket, isDeflating: boolean) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.#isDeflating = isDeflating
  }

  get buffered(): number {
    return this.#socket.writableLength
  }

  /** The kernel takes a large write bit by bit, which only libuv's own count shows; Node's socket timeouts look there as well. */
  get progress(): number {
    const socket = this.#socket
    return socket.bytesWritten - socket.writableLength - (socket._handle?.writeQueueSize ?? 0)
  }

  write(packet: Packet, taken?: () => void): void {
    this.#write(this.#isDeflating ? packet.deflated : packet.webSocket, taken)
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  probe(taken?: () => void): void {
    this.#write(pingFrame, taken)
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  end(code: number, reason: string): void {
    this.#webSocket.resume()
    this.#webSocket.close(code, shorten(reason))
  }

  destroy(): void {
    this.#webSocket.terminate()
  }

  /** After the close frame nothing may follow (RFC 6455, 5.5.1). */
  #write(bytes: Buffer, taken: (() => void) | undefined): void {
    if (this.#webSocket.readyState === openState) this.#socket.write(bytes, taken)
    else taken?.()
  }
}

/** A close frame has room for so many bytes of a reason (RFC 6455, 5.5); more would be an error. */
const longestReason = 123

function shorten(reason: string): string {
  if (Buffer.byteLength(reason) <= longestReason) return reason
  return Buffer.from(reason)
    .subarray(0, longestReason)
    .toString()
    .replace(/\ufffd$/, '')
}

/** `WebSocket.OPEN` */
const openState = 1
