import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { WebSocketServer, type WebSocket } from 'ws'
import type { RealtimeServer, ServerMaker } from './server.ts'

/** What listens, by channel. */
class Rooms<Listener> {
  readonly #byName = new Map<string, Set<Listener>>()

  join(channel: string, listener: Listener): void {
    const room = this.#byName.get(channel) ?? new Set()
    this.#byName.set(channel, room.add(listener))
  }

  leave(listener: Listener): void {
    for (const [channel, room] of this.#byName)
      if (room.delete(listener) && room.size === 0) this.#byName.delete(channel)
  }

  of(channel: string): Iterable<Listener> {
    return this.#byName.get(channel) ?? []
  }
}

/** `ws` and nothing else: JSON is made once, then `send` for each socket. It stores nothing and knows no other process. */
export const bareWs: ServerMaker = async (_place, port) => {
  const listening = await listen(port)
  return { ...listening, publish: (channel, body) => listening.send(channel, textOf(channel, body)) }
}

/** The same behind Redis: what is published goes there, and comes back to every process. */
export const wsBehindRedis: ServerMaker = async ({ redis }, port) => {
  const publisher = new Redis(redis!)
  const subscriber = publisher.duplicate()
  const listening = await listen(port)
  subscriber.on('pmessage', (_pattern: string, channel: string, text: string) =>
    listening.send(channel, text),
  )
  await subscriber.psubscribe('room/*')
  return {
    ...listening,
    publish: (channel, body) => publisher.publish(channel, textOf(channel, body)),
    close() {
      publisher.disconnect()
      subscriber.disconnect()
      listening.close()
    },
  }
}

/** Event streams by `node:http`: `write` for each response. It stores nothing and knows no other process. */
export const bareEventStream: ServerMaker = async (_place, port) => {
  const rooms = new Rooms<ServerResponse>()
  const http = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(': welcome\n\n')
    const { searchParams } = new URL(request.url!, 'http://localhost')
    for (const channel of searchParams.getAll('channel')) rooms.join(channel, response)
    response.on('close', () => rooms.leave(response))
  })
  return {
    port: await portOf(http, port),
    publish(channel, body) {
      const event = `data: ${textOf(channel, body)}\n\n`
      for (const response of rooms.of(channel)) response.write(event)
    },
    close: () => http.close().closeAllConnections(),
  }
}

type Listening = Omit<RealtimeServer, 'publish'> & { send(channel: string, text: string): void }

async function listen(port: number): Promise<Listening> {
  const rooms = new Rooms<WebSocket>()
  const http = createServer()
  const server = new WebSocketServer({ server: http, perMessageDeflate: false })
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { subscribe } = JSON.parse((data as Buffer).toString()) as { subscribe: string }
      rooms.join(subscribe, socket)
      socket.send(JSON.stringify({ subscribed: subscribe }))
    })
    socket.on('close', () => rooms.leave(socket))
    socket.on('error', () => {})
  })
  return {
    port: await portOf(http, port),
    send(channel, text) {
      for (const socket of rooms.of(channel)) socket.send(text)
    },
    close() {
      for (const socket of server.clients) socket.terminate()
      http.close()
    },
  }
}

function textOf(channel: string, data: object): string {
  return JSON.stringify({ channel, type: 'posted', data })
}

async function portOf(http: ReturnType<typeof createServer>, port: number): Promise<number> {
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return (http.address() as AddressInfo).port
}
