import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'
import { plainAddress, type TrustedProxies } from './trusted-proxies.ts'

/** One connection and what happens on it. */
export class Connection {
  readonly socket: Socket
  /** Address of the peer; a unix socket has none and counts as this machine. */
  readonly address: string
  /** Whether its `x-forwarded-*` headers are believed. */
  readonly isTrusted: boolean
  /** Requests on it that are not answered to the end. */
  active = 0
  /** The request that arrived last. */
  latest: Exchange | undefined
  /** Bytes that were sent before the current answer. */
  bytesBefore = 0
  /** Set when the connection left HTTP: what it became, and how much had been sent then. */
  upgraded: { isWebSocket: boolean; bytesBefore: number; isClosing: boolean } | undefined
  #bytesHeard = 0

  constructor(socket: Socket, trustedProxies: TrustedProxies) {
    this.socket = socket
    this.address = plainAddress(socket.remoteAddress ?? '127.0.0.1')
    this.isTrusted = trustedProxies.includes(this.address)
  }

  /** Whether anything came since this was asked before, or a request is being answered. */
  hasStirred(): boolean {
    const { bytesRead } = this.socket
    const hasHeard = bytesRead !== this.#bytesHeard
    this.#bytesHeard = bytesRead
    return hasHeard || this.active > 0
  }
}

/** All open connections of a server, from the moment they are accepted to the moment they are closed. */
export class Connections {
  readonly #connections = new Map<Socket, Connection>()
  readonly #trustedProxies: TrustedProxies
  /** Called when the last one was closed. */
  onEmpty: (() => void) | undefined

  constructor(trustedProxies: TrustedProxies) {
    this.#trustedProxies = trustedProxies
  }

  get size(): number {
    return this.#connections.size
  }

  /** Keeps a connection until it closes. */
  add(socket: Socket): void {
    this.#connections.set(socket, new Connection(socket, this.#trustedProxies))
    socket.once('close', () => {
      this.#connections.delete(socket)
      if (this.#connections.size === 0) this.onEmpty?.()
    })
  }

  /** The connection of a socket that was added and is open. */
  of(socket: Socket): Connection | undefined {
    return this.#connections.get(socket)
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#connections.values()
  }

  /** Closes all of them at once, whatever they do. */
  destroyAll(): void {
    for (const { socket } of this) socket.destroy()
  }
}
