import { systemClock } from '../../src/core/index.ts'
import { Database } from '../../src/database/index.ts'
import { presenceMigrations } from '../../src/realtime/presence/migrations.ts'
import { Presence } from '../../src/realtime/presence/presence.ts'
import { Relay } from '../../src/realtime/relay/relay.ts'
import { Mirror } from './presences.ts'
import { recordingLogger } from './recording-logger.ts'
import { waitUntil } from './wait-until.ts'

/** A process with a relay and presences that does what it is told by messages. */
const {
  path,
  relays = true,
  grace = 2_000,
} = JSON.parse(process.argv[2]!) as {
  path: string
  relays?: boolean
  grace?: number
}

/** What the process can be told. */
export type Order =
  | { type: 'join'; channel: string; users: string[] }
  | { type: 'leave'; users: string[] }
  | { type: 'list'; channel: string }
  | { type: 'mirror'; channel: string }
  | { type: 'untilUsers'; channel: string; users: string[]; timeout?: number }
  | { type: 'story' }
  | { type: 'relay' }
  | { type: 'untilPeers'; peers: number }
  | { type: 'chatter' }
  | { type: 'silence' }
  | { type: 'heard' }
  | { type: 'stop' }

const logger = recordingLogger()
const database = new Database({ path, readers: false, partMigrations: { realtime: presenceMigrations } })
await database.start()
const relay = new Relay({ path: database.path, logger })
if (relays) await relay.start()
const presence = new Presence({
  database,
  clock: systemClock,
  logger,
  grace,
  ...(relays && { relay }),
})
await presence.start()
const mirror = new Mirror(presence)

/** Numbers that were heard, by the pid of their sender. */
const heard: Record<number, number[]> = {}
relay.on('chatter', (payload) => {
  const [pid, number] = payload.split(':').map(Number) as [number, number]
  ;(heard[pid] ??= []).push(number)
})

let chatter: NodeJS.Timeout | undefined
/** How many numbers this process has sent. */
let said = 0

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case 'join':
      await Promise.all(
        order.users.map((user) =>
          presence.join(order.channel, {
            user,
            connection: `${user}@${process.pid}`,
            metadata: { of: user },
          }),
        ),
      )
      return 'joined'
    case 'leave':
      for (const user of order.users) presence.leaveAll(`${user}@${process.pid}`)
      return 'left'
    case 'list':
      return presence.list(order.channel).map(({ user }) => user)
    case 'mirror':
      return mirror.users(order.channel)
    case 'untilUsers': {
      const expected = [...order.users].sort().join()
      const isTrue = (): boolean =>
        mirror.users(order.channel).join() === expected &&
        presence
          .list(order.channel)
          .map(({ user }) => user)
          .sort()
          .join() === expected
      await waitUntil('the truth is told', isTrue, order.timeout ?? 20_000)
      return Date.now()
    }
    case 'story':
      return mirror.story
    case 'relay':
      return { ...relay.stats(), isConnected: relay.isConnected }
    case 'untilPeers':
      await waitUntil(`${order.peers} peers`, () => relay.peers === order.peers, 20_000)
      return relay.stats()
    case 'chatter':
      chatter ??= setInterval(() => {
        for (let burst = 0; burst < 10; burst++) relay.send('chatter', `${process.pid}:${said++}`)
      }, 1)
      return 'begun'
    case 'silence':
      clearInterval(chatter)
      chatter = undefined
      return said
    case 'heard':
      return heard
    default:
      await presence.stop()
      await relay.stop()
      await database.stop()
      return 'stopped'
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.connected && process.send!(answer ?? 'nothing'),
    (error: unknown) => process.connected && process.send!(`failed: ${String(error)}`),
  )
})
process.send!('ready')
