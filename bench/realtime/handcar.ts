import { Database } from 'handcar/database'
import { defineChannel, Realtime, unchecked } from 'handcar/realtime'
import { Server } from 'handcar/server'
import type { RealtimeServer, ServerMaker } from './server.ts'

const room = defineChannel({
  name: 'room/:id',
  public: true,
  messages: { posted: unchecked<object>(), typing: { schema: unchecked<object>(), ephemeral: true } },
})

/** handcar: `Realtime` on a `Database`, served by a `Server`, at their defaults but for durability and the log of requests. */
export const handcar: ServerMaker = (place, port) => start(place.path, port, 'posted')

/** The same with messages that are not stored, and reach other processes through the relay. */
export const handcarEphemeral: ServerMaker = (place, port) => start(place.path, port, 'typing')

async function start(path: string, port: number, type: 'posted' | 'typing'): Promise<RealtimeServer> {
  const database = new Database({ path, durability: 'os', partMigrations: { realtime: Realtime.migrations } })
  await database.start()
  const realtime = new Realtime({ database, channels: [room] })
  await realtime.start()
  const server = new Server({
    app: { fetch: (request, environment) => realtime.fetch(request, environment) },
    listen: { port },
    accessLog: false,
  })
  server.onUpgrade(realtime.upgrade)
  await server.start()
  return {
    port: Number(new URL(server.address!).port),
    publish: (channel, body) => realtime.publish(room, { id: channel.slice('room/'.length) }, type, body),
    position: () => realtime.position(),
    async close() {
      await realtime.stop({ timeout: 0 })
      await server.stop({ timeout: 0 })
      await database.stop()
    },
  }
}
