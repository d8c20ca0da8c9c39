import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { Database } from '../../src/database/index.ts'
import { Realtime, type RealtimeOptions } from '../../src/realtime/index.ts'
import { soakChannels } from './realtime-soak-channels.ts'

/** A web process of the soak: takes clients and publishes, as it is told by messages. */
const { path, port, options } = JSON.parse(process.argv[2]!) as {
  path: string
  port: number
  options?: Partial<RealtimeOptions>
}

/** What the process can be told. */
export type SoakWebOrder =
  /** Publishes about so many messages per second from now on, in so many rooms. */
  | { type: 'publish'; rate: number; rooms: number }
  /** Publishes so many messages of so many bytes in one room, as fast as it can; answers when they are committed. */
  | { type: 'burst'; room: number; count: number; bytes: number }
  /** Ends publishing; answers when the last one is committed. */
  | { type: 'quiet' }
  /** Deletes what retention lets go. */
  | { type: 'trim' }
  | { type: 'newEpoch' }
  | { type: 'stats' }
  | { type: 'lobby'; id: number }
  /** As a reload does: takes nobody new, sends the clients away, ends. */
  | { type: 'drain' }

const database = new Database({
  path,
  durability: 'os',
  readers: false,
  partMigrations: { realtime: Realtime.migrations },
})
await database.start()
const realtime = new Realtime({
  database,
  channels: Object.values(soakChannels),
  authenticate: (request) => ({ id: new URL(request.url).searchParams.get('token') ?? 'nobody' }),
  ...options,
})
await realtime.start()

const server = createServer()
const listener = getRequestListener((request) => realtime.fetch(request))
server.on('request', (request, response) => void listener(request, response))
server.on('upgrade', realtime.upgrade)
server.listen({ port, host: '127.0.0.1', reusePort: true, backlog: 4_096 })
await once(server, 'listening')

/** Each message is in a table of its own too, which retention does not touch. */
async function publish(room: number, bytes: number, count = 1): Promise<void> {
  await database.write(async (tx) => {
    for (let each = 0; each < count; each++) {
      const message = { room, text: 'x'.repeat(bytes), at: Date.now() }
      const offset = await realtime.publish(soakChannels.room, { id: room }, 'posted', message)
      tx.run('insert into truth (offset, room) values (?, ?)', [offset, room])
    }
    if (count === 1 && Math.random() < 0.05) throw new Error('taken back')
  })
}

let publishing: Promise<void> | undefined
const quiet = { isOn: false }

async function publishAlways(rate: number, rooms: number): Promise<void> {
  const startedAt = performance.now()
  for (let done = 0; !quiet.isOn;) {
    const due = ((performance.now() - startedAt) * rate) / 1_000
    const writes = []
    // After a standstill not everything at once.
    for (done = Math.max(done, due - rate); done < due; done++)
      writes.push(publish(Math.floor(Math.random() * rooms), 20 + Math.floor(Math.random() * 200)))
    await Promise.allSettled(writes)
    await sleep(20)
  }
}

async function obey(order: SoakWebOrder): Promise<unknown> {
  switch (order.type) {
    case 'publish':
      quiet.isOn = false
      publishing ??= publishAlways(order.rate, order.rooms)
      return 'begun'
    case 'burst':
      for (let left = order.count; left > 0; left -= 100)
        await publish(order.room, order.bytes, Math.min(100, left))
      return 'done'
    case 'quiet':
      quiet.isOn = true
      await publishing
      publishing = undefined
      return 'quiet'
    case 'trim':
      return await realtime.trim()
    case 'newEpoch':
      await realtime.newEpoch()
      return 'done'
    case 'stats':
      return { ...realtime.stats(), rss: process.memoryUsage.rss(), cpu: process.cpuUsage() }
    case 'lobby':
      return realtime.channel(soakChannels.lobby, { id: order.id }).presence()
    default:
      quiet.isOn = true
      await publishing
      server.close()
      await realtime.stop()
      await database.stop()
      process.disconnect()
      return process.exit(0)
  }
}

process.on('message', (order: SoakWebOrder) => {
  obey(order).then(
    (answer) => process.connected && process.send!({ answer }),
    (error: unknown) => process.connected && process.send!({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send!({ answer: (server.address() as AddressInfo).port })
