import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io'
import { Database } from '../../src/database/index.ts'
import { Realtime } from '../../src/realtime/index.ts'
import { SocketIoServer } from './socket-io.ts'

/** A process with a server of socket.io that does what it is told by messages. */
const { path, recovery } = JSON.parse(process.argv[2]!) as {
  path: string
  recovery?: { maxDisconnectionDuration: number }
}

/** What the process can be told. */
export type SocketIoOrder =
  | { type: 'emit'; event: string; args?: unknown[]; room?: string; except?: string; timeout?: number }
  /** The ids of all sockets, in all processes. */
  | { type: 'fetch' }
  | { type: 'count' }
  /** Asks the other processes for their pids. */
  | { type: 'pids' }
  | { type: 'join'; socket: string; room: string }
  | { type: 'disconnect' }
  | { type: 'rooms'; socket: string }
  /** Publishes numbers to a room, faster than clients come back, until it is ended. */
  | { type: 'chatter'; room: string }
  /** Ends as a process does that is told to. */
  | { type: 'stop' }

const database = new Database({
  path,
  durability: 'os',
  readers: false,
  partMigrations: { realtime: Realtime.migrations },
})
await database.start()
const server = await SocketIoServer.start(database, {
  ...(recovery && { recovery }),
  adapter: { requestTimeout: '20s' },
})
const { io } = server

io.on('connection', (socket: Socket) => {
  socket.emit('hello', process.pid)
  // What a socket may be asked to do by its own client.
  socket.on('be', async (room: string, data: unknown, answer: () => void) => {
    Object.assign(socket.data, data)
    await socket.join(room)
    answer()
  })
})
io.on('pid', (answer: (pid: number) => void) => answer(process.pid))

async function chatter(room: string): Promise<never> {
  for (let number = 0; ; number++) {
    await database.write(() => io.to(room).emit('number', process.pid, number))
    if (number % 10 === 0) await sleep(1)
  }
}

async function obey(order: SocketIoOrder): Promise<unknown> {
  switch (order.type) {
    case 'emit': {
      const to = order.room === undefined ? io.except(order.except ?? []) : io.to(order.room)
      if (order.timeout !== undefined)
        return await to.timeout(order.timeout).emitWithAck(order.event, ...(order.args ?? []))
      return to.emit(order.event, ...(order.args ?? []))
    }
    case 'fetch':
      return (await io.fetchSockets()).map(({ id }) => id)
    case 'count':
      return [await io.of('/').adapter.serverCount(), server.realtime.stats().relay!.peers]
    case 'pids':
      return await io.serverSideEmitWithAck('pid')
    case 'join':
      return io.in(order.socket).socketsJoin(order.room)
    case 'disconnect':
      return io.disconnectSockets()
    case 'rooms':
      return [...(io.of('/').adapter.socketRooms(order.socket) ?? [])]
    case 'chatter':
      void chatter(order.room)
      return 'begun'
    default:
      await server[Symbol.asyncDispose]()
      await database.stop()
      return 'stopped'
  }
}

process.on('message', (order: SocketIoOrder) => {
  obey(order).then(
    (answer) => process.connected && process.send!(answer ?? 'nothing'),
    (error: unknown) => process.connected && process.send!(`failed: ${String(error)}`),
  )
})
process.send!(server.url)
