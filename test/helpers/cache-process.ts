import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cache } from '../../src/cache/index.ts'
import { Database } from '../../src/database/index.ts'

/** A process with a cache that does what it is told by messages. */
const { path, appPath, maxBytes } = JSON.parse(process.argv[2]!) as {
  path: string
  appPath?: string
  maxBytes?: number
}

/** What the process can be told. */
type Order =
  | { type: 'stampede'; key: string; callers: number; log: string; takes: number }
  | { type: 'hold'; key: string }
  | { type: 'register'; key: string; milliseconds: number; writes: boolean; worker: number }
  | { type: 'increment'; key: string; times: number }
  | { type: 'fill'; milliseconds: number; largest: number; least?: number }
  | { type: 'set'; key: string; value: unknown }
  | { type: 'get'; key: string }
  | { type: 'stop' }

/** One operation on a register: what it did, and between which moments of the machine's clock. */
export interface Recorded {
  type: 'read' | 'write'
  value: number
  from: number
  to: number
}

const app =
  appPath === undefined
    ? undefined
    : new Database({
        path: appPath,
        durability: 'os',
        readers: false,
        partMigrations: { cache: Cache.appMigrations },
      })
await app?.start()
const database = new Database(Cache.databaseOptions(path, { slowQuery: '1m' }))
const cache = new Cache({
  database,
  ...(app && { app }),
  ...(maxBytes !== undefined && { maxBytes }),
  logger: { debug() {}, info() {}, warn() {}, error() {} },
})
await cache.start()

/** Microseconds on a clock that all processes of the machine share. */
const now = (): number => Number(process.hrtime.bigint() / 1_000n)

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case 'stampede': {
      const factory = async () => {
        appendFileSync(order.log, `${process.pid}\n`)
        await sleep(order.takes)
        return { by: process.pid }
      }
      const callers = Array.from({ length: order.callers }, () =>
        cache.getOrSet(order.key, { ttl: '1h' }, factory),
      )
      return (await Promise.all(callers)).map(({ by }) => by)
    }
    case 'hold':
      await cache.getOrSet(order.key, () => {
        process.send!('holding')
        return new Promise(() => {})
      })
      return undefined
    case 'register':
      return useRegister(order)
    case 'increment':
      await Promise.all(Array.from({ length: order.times }, () => cache.increment(order.key)))
      return 'done'
    case 'fill':
      return fill(order)
    case 'set':
      await cache.set(order.key, order.value)
      return 'done'
    case 'get':
      return cache.get(order.key)
    default:
      await cache.stop()
      await app?.stop()
      process.disconnect()
      return undefined
  }
}

/** Reads a key again and again, or writes a new number into it now and then, and writes down what happened when. */
async function useRegister(order: { key: string; milliseconds: number; writes: boolean; worker: number }) {
  const history: Recorded[] = []
  const endAt = performance.now() + order.milliseconds
  let next = 1
  while (performance.now() < endAt) {
    const from = now()
    if (order.writes) {
      const value = order.worker * 1_000_000 + next++
      await cache.set(order.key, value)
      history.push({ type: 'write', value, from, to: now() })
      await sleep(Math.random() * 4)
    } else {
      const value = (await cache.get<number>(order.key)) ?? 0
      history.push({ type: 'read', value, from, to: now() })
      // Another turn of the event loop each time, in which news may have come.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return history
}

/** Writes for some time, and on until so many bytes are written. */
async function fill(order: { milliseconds: number; largest: number; least?: number }) {
  const endAt = performance.now() + order.milliseconds
  const times: number[] = []
  let bytes = 0
  for (let round = 0; performance.now() < endAt || bytes < (order.least ?? 0); round++) {
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const size = Math.floor(order.largest ** Math.random())
        bytes += size
        const from = performance.now()
        await cache.set(`${process.pid}:${round}:${Math.random()}`, 'x'.repeat(size), { ttl: '1h' })
        times.push(performance.now() - from)
      }),
    )
  }
  times.sort((one, other) => one - other)
  return {
    bytes,
    sets: times.length,
    p99: times[Math.floor(times.length * 0.99)],
    errors: cache.stats().errors,
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.connected && process.send!(answer ?? 'nothing'),
    (error: unknown) => process.connected && process.send!(`failed: ${String(error)}`),
  )
})
process.send!('ready')
