import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { enter, ledgerOptions } from './ledger.ts'

/** A process that keeps 256 writes in flight for a while and reads beside them. Reports {@link SlowDiskReport} as JSON. */

/** What the process has measured; times in milliseconds. */
export interface SlowDiskReport {
  writesPerSecond: number
  readsPerSecond: number
  /** 99th percentiles. */
  loopDelay: number
  sync: number
}

const { path, duration } = JSON.parse(process.argv[2]!) as { path: string; duration: number }
const database = new Database({ ...ledgerOptions, path, readers: false })
await database.start()
let last = 0
let reads = 0
await writeUntil(performance.now() + 200)
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const [startedAt, first] = [performance.now(), last]
await Promise.all([writeUntil(startedAt + duration), readUntil(startedAt + duration)])
const seconds = (performance.now() - startedAt) / 1_000
const report: SlowDiskReport = {
  writesPerSecond: (last - first) / seconds,
  readsPerSecond: reads / seconds,
  loopDelay: delay.percentile(99) / 1e6,
  sync: database.stats().writes.sync.p99,
}
await database.stop()
process.stdout.write(`${JSON.stringify(report)}\n`)

async function writeUntil(end: number): Promise<void> {
  const writeOn = async (): Promise<void> => {
    while (performance.now() < end) await database.write((tx) => enter(tx, 'one', ++last, 'payload'))
  }
  await Promise.all(Array.from({ length: 256 }, writeOn))
}

async function readUntil(end: number): Promise<void> {
  while (performance.now() < end) {
    database.get('select * from counters')
    reads++
    await sleep(1)
  }
}
