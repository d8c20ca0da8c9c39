import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { EventLoopDelay } from '../harness/event-loop-delay.ts'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { openRaw, scalar } from '../harness/sqlite.ts'

/** How a write reaches the file: a commit of its own by the bare driver, or handcar's queue. */
export type DurabilityWay = 'raw NORMAL' | 'raw FULL' | 'handcar os' | 'handcar disk'

/** What came of writing for a while. */
export interface DurabilityMeasurement {
  readonly perSecond: number
  readonly latency: LatencySummary
  readonly delay: LatencySummary
}

interface DurabilityPlan {
  readonly way: DurabilityWay
  readonly inFlight: number
  readonly seconds: number
}

type Insert = (number: number) => unknown

const statement = 'insert into notes (number, body) values (?, ?)'
const body = 'x'.repeat(100)
const inserts = new Map<
  DurabilityWay,
  { insert: Insert; close: () => unknown; path: string; written: number }
>()

const handlers = {
  /** Creates a file for each way. */
  async prepare({ folder }: { folder: string }): Promise<void> {
    for (const synchronous of ['normal', 'full'] as const) prepareRaw(folder, synchronous)
    for (const durability of ['os', 'disk'] as const) await prepareHandcar(folder, durability)
  },

  /** Writes with so many writes in flight, each starting when the one before it was acknowledged. */
  async measure({ way, inFlight, seconds }: DurabilityPlan): Promise<DurabilityMeasurement> {
    const target = inserts.get(way)!
    const latencies = new Latencies()
    const delay = new EventLoopDelay()
    delay.start()
    const started = performance.now()
    const deadline = started + seconds * 1000
    const client = async (): Promise<void> => {
      while (performance.now() < deadline) {
        const since = performance.now()
        await target.insert(target.written++)
        latencies.record(performance.now() - since)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, client))
    const elapsed = (performance.now() - started) / 1000
    await nextTurn()
    return {
      perSecond: latencies.count / elapsed,
      latency: latencies.summary(),
      delay: delay.stop().summary(),
    }
  },

  /** Checks that every acknowledged write is in its file exactly once; how many there were. */
  async audit(): Promise<number> {
    let total = 0
    for (const [way, { close, path, written }] of inserts) {
      await close()
      const database = openRaw(path)
      const found = scalar(
        database,
        'select count(*) = count(distinct number) and count(*) = ? from notes',
        written,
      )
      database.close()
      if (found !== 1)
        throw new Error(`${way}: the file does not hold each of ${written} writes exactly once`)
      total += written
    }
    return total
  },
}

/** What this process can be asked for. */
export type DurabilityHandlers = typeof handlers

/** One commit per write, and one turn of the event loop per commit, as in a server that writes per request. */
function prepareRaw(folder: string, synchronous: 'normal' | 'full'): void {
  const way = synchronous === 'normal' ? 'raw NORMAL' : 'raw FULL'
  const path = createFile(folder, way)
  const database = openRaw(path)
  database.pragma(`synchronous = ${synchronous}`)
  const prepared = database.prepare(statement)
  const insert: Insert = async (number) => {
    await nextTurn()
    prepared.run(number, body)
  }
  inserts.set(way, { insert, close: () => database.close(), path, written: 0 })
}

async function prepareHandcar(folder: string, durability: 'os' | 'disk'): Promise<void> {
  const way = `handcar ${durability}` as const
  const path = createFile(folder, way)
  const database = new Database({ path, durability })
  await database.start()
  const insert: Insert = (number) => database.write((tx) => tx.run(statement, [number, body]))
  inserts.set(way, { insert, close: () => database.stop(), path, written: 0 })
}

function createFile(folder: string, way: DurabilityWay): string {
  const path = join(folder, `${way.replace(' ', '-')}.sqlite3`)
  const database = openRaw(path)
  database.pragma('journal_mode = wal')
  database.exec(
    'create table notes (id integer primary key, number integer not null, body text not null) strict',
  )
  database.close()
  return path
}

answer(handlers)
