import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import type { ServerMaker } from './server.ts'

/** socket.io with its Redis adapter, both at their defaults: a room for each channel, as clients ask for them. */
export const socketIo: ServerMaker = async ({ redis }, port) => {
  const publisher = new Redis(redis!)
  const subscriber = publisher.duplicate()
  await Promise.all([publisher.ping(), subscriber.ping()])
  const http = createServer()
  const server = new Server(http, { adapter: createAdapter(publisher, subscriber) })
  server.on('connection', (socket) => {
    socket.on('subscribe', async (channel: string) => {
      await socket.join(channel)
      socket.emit('subscribed', channel)
    })
  })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    publish: (channel, body) => server.to(channel).emit('posted', body),
    async close() {
      await server.close()
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}
