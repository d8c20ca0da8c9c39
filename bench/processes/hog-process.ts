import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { Latencies } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { openRaw } from '../harness/sqlite.ts'
import type { RawDatabase } from '../harness/sqlite.ts'

/**
 * Somebody else who writes to the same file: a stranger with the bare driver, in transactions of 3–6 ms without a
 * pause; a handcar process, in transactions of 5 ms without a pause; or a stranger that holds the lock for a second,
 * pauses for one, and so on.
 */
export type HogKind = 'stranger' | 'handcar' | 'holder'

/** What the hog did. */
export interface HogReport {
  readonly transactions: number
  /** Encoded `Latencies` of how long it held the lock. */
  readonly held: string
}

const handcarMs = 5
const shortestStrangerMs = 3
const longestStrangerMs = 6
const holdMs = 1000
const rowEveryMs = 0.25
const insert = 'insert into hog (body) values (?)'
const body = 'x'.repeat(200)

let ended = new AbortController()
let done: Promise<HogReport> | undefined

const handlers = {
  /** Starts to write; the table is created first. */
  start({ path, kind }: { path: string; kind: HogKind }): void {
    const database = openRaw(path, { timeout: 5000 })
    database.exec('create table if not exists hog (id integer primary key, body text not null) strict')
    ended = new AbortController()
    if (kind === 'handcar') {
      database.close()
      done = writeAsHandcar(path, ended.signal)
    } else {
      done = kind === 'stranger' ? writeAsStranger(database, ended.signal) : hold(database, ended.signal)
    }
  },

  /** Ends after the transaction under way; the file stays open until the process is ended. */
  async stop(): Promise<HogReport> {
    ended.abort()
    return await done!
  },
}

/** What this process can be asked for. */
export type HogHandlers = typeof handlers

async function writeAsStranger(database: RawDatabase, end: AbortSignal): Promise<HogReport> {
  const statement = database.prepare(insert)
  const held = new Latencies()
  while (!end.aborted) {
    database.exec('begin immediate')
    const since = performance.now()
    const length = shortestStrangerMs + Math.random() * (longestStrangerMs - shortestStrangerMs)
    work(length, () => statement.run(body))
    database.exec('commit')
    held.record(performance.now() - since)
    await nextTurn()
  }
  return { transactions: held.count, held: held.encode() }
}

async function writeAsHandcar(path: string, end: AbortSignal): Promise<HogReport> {
  const database = new Database({ path, durability: 'os' })
  await database.start()
  const held = new Latencies()
  while (!end.aborted) {
    await database.write((tx) => {
      const since = performance.now()
      work(handcarMs, () => tx.run(insert, [body]))
      held.record(performance.now() - since)
    })
  }
  return { transactions: held.count, held: held.encode() }
}

async function hold(database: RawDatabase, end: AbortSignal): Promise<HogReport> {
  const statement = database.prepare(insert)
  const held = new Latencies()
  while (!end.aborted) {
    database.exec('begin immediate')
    const since = performance.now()
    statement.run(body)
    await sleep(holdMs)
    database.exec('commit')
    held.record(performance.now() - since)
    await sleep(holdMs)
  }
  return { transactions: held.count, held: held.encode() }
}

/** Inserts a row every quarter of a millisecond until so many have passed: a transaction of work, not of bulk. */
function work(milliseconds: number, insertRow: () => void): void {
  const deadline = performance.now() + milliseconds
  for (let next = performance.now(); next < deadline; next += rowEveryMs) {
    insertRow()
    while (performance.now() < Math.min(next + rowEveryMs, deadline));
  }
}

answer(handlers)
