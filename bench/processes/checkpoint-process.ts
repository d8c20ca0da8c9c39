import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { EventLoopDelay } from '../harness/event-loop-delay.ts'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { openRaw } from '../harness/sqlite.ts'
import { itemCount } from './items.ts'

/** Who moves the WAL into the file: the writer that happens to commit, handcar's checkpointer, or nobody. */
export type CheckpointWay = 'autocheckpoint 1000' | 'handcar' | 'none'

/** What came of paced writing. */
export interface CheckpointMeasurement {
  /** Encoded `Latencies`, each from the moment when the write was due. */
  readonly latencies: string
  readonly perSecond: number
  readonly delay: LatencySummary
}

const update = 'update items set body = ?, score = ? where id = ?'

let write: ((id: number, score: number) => unknown) | undefined
let close: (() => unknown) | undefined

const handlers = {
  /** Opens the file in one of the ways. */
  async open({ path, way }: { path: string; way: CheckpointWay }): Promise<void> {
    if (way === 'handcar') await openHandcar(path)
    else openDriver(path, way === 'none' ? 0 : 1000)
  },

  /** Writes random rows at a fixed rate, whatever the file does meanwhile. */
  async measure({ rate, seconds }: { rate: number; seconds: number }): Promise<CheckpointMeasurement> {
    const latencies = new Latencies()
    const delay = new EventLoopDelay()
    delay.start()
    const underWay: Promise<void>[] = []
    const started = performance.now()
    const total = rate * seconds
    for (let sent = 0; sent < total;) {
      const due = started + (sent / rate) * 1000
      if (due > performance.now()) {
        await sleep(1)
        continue
      }
      const result = write!(1 + Math.floor(Math.random() * itemCount), sent)
      if (result instanceof Promise)
        underWay.push(result.then(() => latencies.record(performance.now() - due)))
      else latencies.record(performance.now() - due)
      sent++
    }
    await Promise.all(underWay)
    const perSecond = total / ((performance.now() - started) / 1000)
    return { latencies: latencies.encode(), perSecond, delay: delay.stop().summary() }
  },

  async stop(): Promise<void> {
    await close?.()
  },
}

/** What this process can be asked for. */
export type CheckpointHandlers = typeof handlers

function openDriver(path: string, autocheckpoint: number): void {
  const database = openRaw(path, { timeout: 5000 })
  database.pragma('synchronous = normal')
  database.pragma(`wal_autocheckpoint = ${autocheckpoint}`)
  const statement = database.prepare(update)
  write = (id, score) => statement.run(bodyOf(score), score, id)
  close = () => database.close()
}

async function openHandcar(path: string): Promise<void> {
  const database = new Database({ path, durability: 'os' })
  await database.start()
  write = (id, score) => database.write((tx) => tx.run(update, [bodyOf(score), score, id]))
  close = () => database.stop()
}

function bodyOf(score: number): string {
  return String(score).padEnd(300, 'y')
}

answer(handlers)
