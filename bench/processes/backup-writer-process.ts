import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { bodyOf, insertRow } from '../backup/rows.ts'
import { Latencies } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { openRaw } from '../harness/sqlite.ts'

/** Who writes: handcar, or the bare driver as an application without it does. */
export type BackupWriter = 'handcar' | 'driver'

/** What came of writing for a while. */
export interface BackupWrites {
  readonly perSecond: number
  /** Encoded `Latencies`: at a rate from when a write was due, flat out from its call. */
  readonly latencies: string
}

const inFlight = 64
const syncWritesPerTurn = 20

let write: (id: number) => unknown
let close: () => unknown
let acknowledged = 0
let last = 0

const handlers = {
  async open({ path, writer }: { path: string; writer: BackupWriter }): Promise<void> {
    if (writer === 'handcar') await openHandcar(path)
    else openDriver(path)
  },

  /** Writes rows at a fixed rate, each a transaction, whatever happens meanwhile. */
  async paced({ rate, seconds }: { rate: number; seconds: number }): Promise<BackupWrites> {
    const latencies = new Latencies()
    const underWay: Promise<void>[] = []
    const started = performance.now()
    const total = rate * seconds
    for (let sent = 0; sent < total;) {
      const due = started + (sent / rate) * 1000
      if (due > performance.now()) {
        await sleep(1)
        continue
      }
      underWay.push(writeOne(due, latencies))
      sent++
    }
    await Promise.all(underWay)
    return { perSecond: total / secondsSince(started), latencies: latencies.encode() }
  },

  /** Writes rows as fast as they are acknowledged, each a transaction. */
  async flatOut({ seconds }: { seconds: number }): Promise<BackupWrites> {
    const latencies = new Latencies()
    const before = acknowledged
    const started = performance.now()
    const until = started + seconds * 1000
    const one = async (): Promise<void> => {
      for (let count = 1; performance.now() < until; count++) {
        await writeOne(performance.now(), latencies)
        if (count % syncWritesPerTurn === 0) await turn()
      }
    }
    await Promise.all(Array.from({ length: inFlight }, one))
    return { perSecond: (acknowledged - before) / secondsSince(started), latencies: latencies.encode() }
  },

  /** Closes the file; tells how many writes were acknowledged. */
  async close(): Promise<number> {
    await close()
    return acknowledged
  },
}

/** What this process can be asked for. */
export type BackupWriterHandlers = typeof handlers

async function writeOne(since: number, latencies: Latencies): Promise<void> {
  const result = write(++last)
  if (result instanceof Promise) await result
  latencies.record(performance.now() - since)
  acknowledged++
}

function openDriver(path: string): void {
  const database = openRaw(path, { timeout: 5000 })
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = normal')
  last = lastId((text) => database.prepare(text).get())
  const statement = database.prepare(insertRow)
  write = (id) => statement.run(id, Date.now(), bodyOf(id))
  close = () => database.close()
}

async function openHandcar(path: string): Promise<void> {
  const database = new Database({ path })
  await database.start()
  last = lastId((text) => database.get(text))
  write = (id) => database.write((tx) => tx.run(insertRow, [id, Date.now(), bodyOf(id)]))
  close = () => database.stop()
}

function lastId(get: (text: string) => unknown): number {
  return (get('select coalesce(max(id), 0) as last from rows') as { last: number }).last
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000
}

answer(handlers)
