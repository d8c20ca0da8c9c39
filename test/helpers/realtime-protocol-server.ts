import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { WebSocketServer } from 'ws'
import type { ClientMessage, SendRequest, ServerMessage } from '../../src/realtime/protocol.ts'

/** One client, whatever carries its messages. */
export interface ServedClient {
  kind: 'websocket' | 'sse'
  url: URL
  channels: Map<string, { id: number; after: number }>
  send(message: ServerMessage): void
  close(code?: number): void
  /** Without a word. */
  cut(): void
}

/** The protocol and no more, for tests of the client: a log in memory, and everything that can go wrong on demand. */
export class ProtocolServer {
  epoch = 'one'
  floor = 0
  heartbeat = 60_000
  readonly log: { offset: number; channel: string; type: string; data: unknown }[] = []
  readonly clients = new Set<ServedClient>()
  /** All that came, in order, of all clients. */
  readonly received: ClientMessage[] = []
  /** What was handled, by key, so that nothing is handled twice. */
  readonly handled = new Map<string, unknown>()
  connects = 0
  takesWebSockets = true
  /** Status with which everybody is refused. */
  refusesWith: number | undefined
  isWelcoming = true
  /** What is done with a message, in place of what the server does. */
  intercept: ((message: ClientMessage, client: ServedClient) => unknown) | undefined
  readonly #http = createServer((request, response) => void this.#serve(request, response))
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: 100_000,
    handleProtocols: () => 'handcar.v1',
  })
  readonly #sockets = new Set<Socket>()

  async listen(port = 0): Promise<void> {
    this.#http.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#http.on('upgrade', (request, socket, head) => {
      this.connects++
      if (!this.takesWebSockets || this.refusesWith) {
        socket.destroy()
        return
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const client = this.#client('websocket', request, {
          send: (message) => webSocket.send(JSON.stringify(message)),
          close: (code) => webSocket.close(code),
          cut: () => socket.destroy(),
        })
        webSocket.on('error', () => {})
        webSocket.on('message', (data) =>
          this.#take(JSON.parse((data as Buffer).toString()) as ClientMessage, client),
        )
        webSocket.on('close', () => this.clients.delete(client))
      })
    })
    await new Promise<void>((resolve) => this.#http.listen(port, '127.0.0.1', resolve))
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/realtime`
  }

  get position(): string {
    return `${this.epoch}.${this.log.length}`
  }

  get client(): ServedClient {
    const [client] = this.clients
    if (!client) throw new Error('Nobody is connected')
    return client
  }

  publish(channel: string, data: unknown, type = 'posted'): number {
    const message = { offset: this.log.length + 1, channel, type, data }
    this.log.push(message)
    for (const client of this.clients) {
      const subscription = client.channels.get(channel)
      if (!subscription) continue
      subscription.after = message.offset
      client.send({ channel, offset: message.offset, type, data })
    }
    return message.offset
  }

  say(message: ServerMessage): void {
    for (const client of this.clients) client.send(message)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #client(
    kind: ServedClient['kind'],
    request: IncomingMessage,
    ways: Pick<ServedClient, 'send' | 'close' | 'cut'>,
  ): ServedClient {
    const client = { kind, url: new URL(request.url!, 'http://host'), channels: new Map(), ...ways }
    this.clients.add(client)
    if (this.isWelcoming)
      client.send({ welcome: { connection: 'c', heartbeat: this.heartbeat, position: this.position } })
    return client
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      const message = (await json(request)) as SendRequest
      const answer = (body: unknown): unknown =>
        response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
      return this.#take(message, { send: answer, cut: () => response.destroy() } as unknown as ServedClient)
    }
    this.connects++
    if (this.refusesWith) return void response.writeHead(this.refusesWith).end('{}')
    const query = new URL(request.url!, 'http://host').searchParams
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const client = this.#client('sse', request, {
      send: (message) => response.write(`: a comment\n\nid: 1\ndata: ${JSON.stringify(message)}\n\n`),
      close: () => response.end(),
      cut: () => response.destroy(),
    })
    response.on('close', () => this.clients.delete(client))
    const positions = query.getAll('from')
    for (const [id, subscribe] of query.getAll('channel').entries()) {
      const from = positions[id]
      this.#take({ subscribe, id, ...(from && { from }) }, client)
    }
  }

  #take(message: ClientMessage, client: ServedClient): void {
    this.received.push(message)
    if (this.intercept?.(message, client)) return
    if ('ping' in message) client.send({ pong: message.ping })
    else if ('send' in message) {
      const result = this.handled.get(message.key!) ?? { handled: message.data }
      this.handled.set(message.key!, result)
      client.send({ ack: message.id, result })
    } else if ('unsubscribe' in message) {
      client.channels.delete(message.unsubscribe)
      client.send({ unsubscribed: message.unsubscribe, id: message.id })
    } else this.#subscribe(message, client)
  }

  #subscribe(
    { subscribe, id, from }: Extract<ClientMessage, { subscribe: string }>,
    client: ServedClient,
  ): void {
    const [epoch, offset] = (from ?? this.position).split('.') as [string, string]
    const recovered =
      epoch === this.epoch && Number(offset) >= this.floor && Number(offset) <= this.log.length
    const after = recovered ? Number(offset) : this.log.length
    client.channels.set(subscribe, { id, after: this.log.length })
    client.send({ subscribed: subscribe, id, position: `${this.epoch}.${after}`, recovered })
    for (const { channel, offset, type, data } of this.log.slice(after))
      if (channel === subscribe) client.send({ channel, offset, type, data })
  }
}
