import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cache, type RateLimitOptions } from '../../src/cache/index.ts'
import { Database } from '../../src/database/index.ts'

/** A process with a cache that asks limits and takes locks, and writes down what happened when. */
const { path, appPath } = JSON.parse(process.argv[2]!) as { path: string; appPath: string }

type Store = 'cache' | 'app'
type Order =
  | { type: 'limit'; options: RateLimitOptions; milliseconds: number }
  | { type: 'lock'; store: Store; milliseconds: number; log: string }
  | { type: 'hold'; store: Store }
  | { type: 'wait'; store: Store }

/** Something that happened once, between two moments of the machine's clock. */
export interface Span {
  from: number
  to: number
}

const app = new Database({
  path: appPath,
  durability: 'os',
  readers: false,
  partMigrations: { cache: Cache.appMigrations },
})
await app.start()
const database = new Database(Cache.databaseOptions(path, { slowQuery: '1m' }))
const cache = new Cache({ database, app, logger: { debug() {}, info() {}, warn() {}, error() {} } })
await cache.start()

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case 'limit':
      return askLimit(order)
    case 'lock':
      return takeLocks(order)
    case 'hold':
      await cache.lock('key', { store: order.store })
      return 'holding'
    default: {
      const lock = await cache.lock('key', { store: order.store, wait: '30s' })
      return lock?.token ?? 0
    }
  }
}

/** Asks a limit again and again, several at a time; returns when it was allowed. */
async function askLimit(order: { options: RateLimitOptions; milliseconds: number }): Promise<Span[]> {
  const admitted: Span[] = []
  const endAt = performance.now() + order.milliseconds
  const ask = async () => {
    const from = Date.now()
    const { allowed } = await cache.rateLimit('key', order.options)
    if (allowed) admitted.push({ from, to: Date.now() })
  }
  while (performance.now() < endAt) {
    await Promise.all(Array.from({ length: 4 }, ask))
    await sleep(Math.random() * 3)
  }
  return admitted
}

/** Takes a lock again and again, and writes into a file that it has it, and that it lets it go. */
async function takeLocks(order: { store: Store; milliseconds: number; log: string }): Promise<number> {
  const endAt = performance.now() + order.milliseconds
  let count = 0
  while (performance.now() < endAt) {
    await using lock = await cache.lock('key', { store: order.store, wait: '1m' })
    if (lock === undefined) continue
    appendFileSync(order.log, `+${lock.token}\n`)
    await sleep(Math.random() * 3)
    appendFileSync(order.log, `-${lock.token}\n`)
    count++
  }
  return count
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.connected && process.send!(answer),
    (error: unknown) => process.connected && process.send!(`failed: ${String(error)}`),
  )
})
process.send!('ready')
