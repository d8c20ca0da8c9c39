import type { RealtimeUser } from './channels/channel-types.ts'
import type { Connection } from './connections/connection.ts'
import type { Connections } from './connections/connections.ts'
import { identify } from './connections/identify.ts'
import type { Packet } from './connections/packet.ts'
import type { Transport } from './connections/transport.ts'
import { closeCodes, type ClientMessage, type ServerMessage } from './protocol.ts'
import { insideOf, type Realtime } from './realtime.ts'

/** Options of {@link openVirtualConnection}. */
export interface VirtualConnectionOptions {
  /** Who it is. Default: what `authenticate` says of the request. */
  user?: RealtimeUser | undefined
  /** With which it begins. */
  request: Request
  onMessage: (message: ServerMessage) => void
  onClose: (code: number, reason: string) => void
}

/** A connection without a network, within the process. */
export interface VirtualConnection {
  /** Says something to the server. */
  say(message: ClientMessage): void
  /** Ends it, as a client does that goes. */
  close(): void
  /** Resolves when everything that is committed was handed to all connections of this process. */
  settled(): Promise<void>
}

/**
 * Connects a client within the process, which says and gets the messages of the protocol like any other: for tests.
 *
 * @throws StateError `HANDCAR_NOT_STARTED`; Error when `authenticate` refuses
 */
export async function openVirtualConnection(
  realtime: Realtime,
  { user, request, onMessage, onClose }: VirtualConnectionOptions,
): Promise<VirtualConnection> {
  const { connections, feed, log } = insideOf(realtime).parts
  const identity = user === undefined ? await identify(request, connections.options) : { user }
  if (typeof identity === 'string') {
    onClose(closeCodes.notAuthenticated, 'Who are you?')
    throw new Error('authenticate() has refused the client')
  }
  const transport = new VirtualTransport(connections, onMessage, onClose)
  const client = { user: identity.user, address: '127.0.0.1', request: () => request }
  const connection = connections.accept(client, transport)
  transport.connection = connection
  return {
    say(message) {
      const text = JSON.stringify(message)
      connections.inbox.receive(connection, text, Buffer.byteLength(text))
    },
    close: () => connections.closed(connection, 1000),
    async settled() {
      while (feed.position < log.position().offset || !isQuiet(connections)) await nextTurn()
      await nextTurn()
    },
  }
}

function isQuiet({ census }: Connections): boolean {
  for (const { subscriptions } of census.all)
    for (const { state } of subscriptions.values()) if (state !== 'live') return false
  return true
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Takes everything at once, and hands it on in the next turn, as a network does. */
class VirtualTransport implements Transport {
  readonly kind = 'websocket'
  readonly buffered = 0
  readonly progress = 0
  connection: Connection | undefined
  readonly #connections: Connections
  readonly #onMessage: (message: ServerMessage) => void
  readonly #onClose: (code: number, reason: string) => void
  #isOpen = true

  constructor(
    connections: Connections,
    onMessage: VirtualConnectionOptions['onMessage'],
    onClose: VirtualConnectionOptions['onClose'],
  ) {
    this.#connections = connections
    this.#onMessage = onMessage
    this.#onClose = onClose
  }

  write(packet: Packet, taken?: () => void): void {
    if (!this.#isOpen) return taken?.()
    const messages = packet.texts.map((text) => JSON.parse(text) as ServerMessage)
    queueMicrotask(() => {
      for (const message of messages) this.#onMessage(message)
      taken?.()
    })
  }

  end(code: number, reason: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    queueMicrotask(() => {
      this.#onClose(code, reason)
      if (this.connection !== undefined) this.#connections.closed(this.connection, code)
    })
  }

  destroy(): void {
    this.end(1006, '')
  }

  cork(): void {}
  uncork(): void {}
  probe(taken?: () => void): void {
    taken?.()
  }
  pause(): void {}
  resume(): void {}
}
