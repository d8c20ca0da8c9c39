import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { ledgerOptions, enter } from './ledger.ts'
import { Random } from './random.ts'

/**
 * A process in which ten callers start and stop one database fifty times each, with no agreement between them, and write
 * whenever they find it started. Reports {@link ServiceStressReport} as JSON.
 */

/** What the process holds: numbers of open files, threads and children. */
export interface Holdings {
  files: number
  threads: number
  children: string
}

/** What was written, with which codes writes were refused, and what the process held before and after. */
export interface ServiceStressReport {
  acknowledged: number[]
  codes: string[]
  before: Holdings
  after: Holdings
}

const { path, seed } = JSON.parse(process.argv[2]!) as { path: string; seed: number }
const [callers, cycles] = [10, 50]
const random = new Random(seed)
const database = new Database({ ...ledgerOptions, path, readers: { processes: 1 } })
const acknowledged: number[] = []
const codes = new Set<string>()
let last = 0

await database.start()
await database.stop()
const before = holdings()
await Promise.all(Array.from({ length: callers }, startAndStop))
await database.stop()
const report: ServiceStressReport = { acknowledged, codes: [...codes].sort(), before, after: await settled() }
process.stdout.write(`${JSON.stringify(report)}\n`)

async function startAndStop(): Promise<void> {
  for (let cycle = 0; cycle < cycles; cycle++) {
    await database.start()
    const writes = Array.from({ length: random.between(0, 4) }, write)
    if (random.chance(0.1)) writes.push(slowRead())
    if (random.chance(0.7)) await Promise.all(writes)
    await database.stop()
    await Promise.all(writes)
  }
}

async function write(): Promise<void> {
  const number = ++last
  try {
    await database.write((tx) => enter(tx, 'stressed', number, ''))
    acknowledged.push(number)
  } catch (error) {
    codes.add(String((error as { code?: string }).code ?? error))
  }
}

async function slowRead(): Promise<void> {
  try {
    await database.query('select count(*) from entries')
  } catch (error) {
    codes.add(String((error as { code?: string }).code ?? error))
  }
}

function holdings(): Holdings {
  const files = readdirSync('/proc/self/fd').length
  const threads = readdirSync('/proc/self/task')
  const children = threads.map((thread) => childrenOf(thread)).join('')
  return { files, threads: threads.length, children }
}

function childrenOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/children`, 'utf8')
  } catch {
    return ''
  }
}

/** Killed children are reaped and threads end a moment after `stop()`: waits up to five seconds for what was held before. */
async function settled(): Promise<Holdings> {
  const end = performance.now() + 5_000
  const isSettled = (): boolean => JSON.stringify(holdings()) === JSON.stringify(before)
  while (!isSettled() && performance.now() < end) await sleep(10)
  return holdings()
}
