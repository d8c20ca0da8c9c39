import { setTimeout as sleep } from 'node:timers/promises'
import { Latencies } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { makers } from '../jobs/makers.ts'
import { now, payloadOf, payloadsFrom } from '../jobs/queue.ts'
import type { Payload, Place, Queue, WorkPlan } from '../jobs/queue.ts'

/** How jobs are enqueued: so many calls at once, each with so many jobs. */
export interface EnqueuePlan {
  readonly inFlight: number
  /** 0: the call for a single job. */
  readonly bulk: number
  readonly seconds: number
}

/** What jobs do: nothing, or wait. */
export interface Duty extends Pick<WorkPlan, 'slots' | 'tunedFor'> {
  readonly milliseconds: number
}

/** What this process has performed. Times of `now()`. */
export interface Performed {
  readonly firstAt: number
  readonly lastAt: number
  /** How often each job was performed, by number. */
  readonly times: Uint8Array
}

const largestFill = 10_000
const mostNumbers = 2_000_000
const patienceMs = 120_000

let queue: Queue
let enqueued = 0
let performed = 0
let times = new Uint8Array(0)
let firstAt = Infinity
let lastAt = 0
let pickups = new Latencies()

const handlers = {
  /** Makes the store empty. No process has it open. */
  async clear(place: Place): Promise<void> {
    await makers[place.system].clear(place)
  },

  /** Opens the store, and forgets what was done before. */
  async open(place: Place): Promise<void> {
    queue = await makers[place.system].open(place)
    enqueued = performed = lastAt = 0
    firstAt = Infinity
    times = new Uint8Array(mostNumbers)
    pickups = new Latencies()
  },

  async close(): Promise<void> {
    await queue.close()
  },

  /** Enqueues for a while; how many jobs a second were acknowledged. Throws unless all of them are in the store. */
  async enqueue({ inFlight, bulk, seconds }: EnqueuePlan): Promise<number> {
    const before = enqueued
    const started = performance.now()
    const deadline = started + seconds * 1000
    const client = async (): Promise<void> => {
      while (performance.now() < deadline) {
        const first = enqueued
        enqueued += Math.max(1, bulk)
        await (bulk === 0 ? queue.enqueue(payloadOf(first)) : queue.enqueueAll(payloadsFrom(first, bulk)))
      }
    }
    await Promise.all(Array.from({ length: inFlight }, client))
    const elapsed = (performance.now() - started) / 1000
    const found = await queue.unfinished()
    if (found !== enqueued) throw new Error(`${enqueued} jobs were acknowledged, ${found} are there`)
    return (enqueued - before) / elapsed
  },

  /** Enqueues so many jobs, as fast as it can. */
  async fill({ count }: { count: number }): Promise<void> {
    const end = enqueued + count
    while (enqueued < end) {
      const size = Math.min(largestFill, end - enqueued)
      await queue.enqueueAll(payloadsFrom(enqueued, size))
      enqueued += size
    }
  },

  /** Begins to perform jobs. */
  async work({ milliseconds, ...plan }: Duty): Promise<void> {
    const perform = milliseconds === 0 ? doNothing : (payload: Payload) => wait(payload, milliseconds)
    await queue.work({ ...plan, perform })
  },

  /** Waits as the sleeping jobs do, without any queue; how many a second. What timers allow. */
  async nap({ count, slots, milliseconds }: { count: number } & Omit<Duty, 'tunedFor'>): Promise<number> {
    const started = performance.now()
    let left = count
    const loop = async (): Promise<void> => {
      while (left-- > 0) await sleep(milliseconds)
    }
    await Promise.all(Array.from({ length: slots }, loop))
    return count / ((performance.now() - started) / 1000)
  },

  /** How many jobs this process has performed. */
  performed(): number {
    return performed
  },

  /** Waits until no job is left in the store; when that was. */
  async settled(): Promise<number> {
    const deadline = now() + patienceMs
    while ((await queue.unfinished()) > 0) {
      if (now() > deadline) throw new Error(`Jobs are left after ${patienceMs} ms`)
      await sleep(1)
    }
    return now()
  },

  tally(): Performed {
    return { firstAt, lastAt, times: times.slice(0, numbersSeen()) }
  },

  /** Enqueues one job after another, with pauses of `pauseMs` on average. */
  async pace({ count, pauseMs }: { count: number; pauseMs: number }): Promise<void> {
    for (let sent = 0; sent < count; sent++) {
      await sleep(pauseMs * (0.5 + Math.random()))
      const payload = payloadOf(enqueued++)
      await queue.enqueue({ ...payload, sentAt: now() })
    }
  },

  /** The times from enqueue to the start of the handler, as encoded `Latencies`. */
  pickups(): string {
    return pickups.encode()
  },

  forgetPickups(): void {
    pickups = new Latencies()
  },
}

/** What this process can be asked for. */
export type JobsHandlers = typeof handlers

async function doNothing(payload: Payload): Promise<void> {
  begin(payload)
  lastAt = now()
}

async function wait(payload: Payload, milliseconds: number): Promise<void> {
  begin(payload)
  await sleep(milliseconds)
  lastAt = now()
}

function begin({ number, sentAt }: Payload): void {
  const at = now()
  if (sentAt !== undefined) pickups.record(at - sentAt)
  if (firstAt === Infinity) firstAt = at
  times[number]!++
  performed++
}

/** One more than the largest number that was performed here. */
function numbersSeen(): number {
  return 1 + times.findLastIndex((count) => count > 0)
}

answer(handlers)
