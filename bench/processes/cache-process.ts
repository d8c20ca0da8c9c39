import { setImmediate as nextTurn } from 'node:timers/promises'
import { makers } from '../cache/makers.ts'
import { bytesOf, keyOf, type Replayed } from '../cache/simulate.ts'
import type { Kept, Place, Store } from '../cache/store.ts'
import { makeTrace, sizeOf, type TraceSettings } from '../cache/trace.ts'
import { repeat, type Repetition, type Work } from '../cache/workload.ts'
import { answer } from '../harness/remote.ts'

/** What is done again and again. */
export type Operation =
  | 'get'
  | 'set'
  | '9 gets, 1 set'
  | 'getOrSet, there'
  | 'getOrSet, missing'
  | 'increment'
  | 'increment of one counter'

/** How it is done. */
export interface MeasurePlan extends Omit<Repetition, 'most'> {
  readonly operation: Operation
}

/** What the store is filled with. */
export interface Filling {
  readonly keys: number
  /** Of a value, in bytes. */
  readonly size: number
}

// What is made new takes room, and the stores without a bound have no end.
const mostNewBytes = 64 * 1024 ** 2
const headLength = 8

let store: Store
let keys: string[] = []
let values: string[] = []
let heads: string[] = []
let size = 0
let made = 0
let increments = 0

const handlers = {
  /** Makes the store empty. No process has it open. */
  async clear(place: Place): Promise<void> {
    await makers[place.system].clear(place)
  },

  async open(place: Place): Promise<void> {
    store = await makers[place.system].open(place)
    made = increments = 0
  },

  async close(): Promise<void> {
    await store.close()
  },

  /** Makes keys and values ready, and stores them where `isFirst`: once for all processes. */
  async fill({ isFirst, ...filling }: Filling & { isFirst: boolean }): Promise<void> {
    size = filling.size
    keys = Array.from({ length: filling.keys }, (_, number) => `post:${number}:${size}`)
    heads = keys.map((_, number) => String(number).padStart(headLength, '0'))
    values = heads.map((head) => valueOf(head, size))
    if (isFirst) for (const [number, key] of keys.entries()) await store.set(key, values[number]!)
  },

  /** Does it for a while; how many operations a second. Throws when any answer was not the right one. */
  async measure({ operation, ...repetition }: MeasurePlan): Promise<number> {
    if (operation === 'get') for (const [number, key] of keys.entries()) check(await store.get(key), number)
    const most = operation === 'getOrSet, missing' ? Math.floor(mostNewBytes / size) : Infinity
    const done = await repeat(works[operation](), { ...repetition, most }, keys.length)
    return done.operations / done.seconds
  },

  /** Throws unless all keys have their values. */
  async check(): Promise<void> {
    for (const [number, key] of keys.entries()) check(await store.get(key), number)
  },

  /** How often this process has added one. */
  increments(): number {
    return increments
  },

  /** What the counters say. */
  async counted(): Promise<number> {
    let sum = 0
    for (const key of ['counter', ...keys.map((key) => `counter:${key}`)]) {
      sum += Number((await store.get(key)) ?? 0)
    }
    return sum
  },

  /** Reads what a trace says, and stores what is missing. */
  async replay(settings: TraceSettings): Promise<Replayed & { mostBytes: number | undefined }> {
    const trace = makeTrace(settings)
    let hits = 0
    let mostBytes: number | undefined
    for (const [at, number] of trace.entries()) {
      const head = String(number).padStart(headLength, '0')
      const found = await store.get(keyOf(number))
      if (found == null) await store.set(keyOf(number), valueOf(head, sizeOf(settings, number)))
      else if (!String(found).startsWith(head)) throw new Error(`${keyOf(number)} has another key's value`)
      else if (at >= trace.length / 2) hits++
      if (at % 100 === 0) await nextTurn()
      if (at % 500 === 0 && store.bytes) mostBytes = Math.max(mostBytes ?? 0, store.bytes())
    }
    return { hitRatio: hits / Math.floor(trace.length / 2), ...(await held(trace, settings)), mostBytes }
  },
}

/** What this process can be asked for. */
export type CacheHandlers = typeof handlers

async function held(trace: Uint32Array, settings: TraceSettings): Promise<Omit<Replayed, 'hitRatio'>> {
  let [entries, bytes] = [0, 0]
  for (const number of new Set(trace)) {
    if ((await store.get(keyOf(number))) == null) continue
    entries++
    bytes += bytesOf(settings, number)
  }
  return { entries, bytes }
}

/** What is done in each operation, made anew for each measurement. */
const works: Readonly<Record<Operation, () => Work>> = {
  get: () => ({ run: get, check }),
  set: () => ({ run: set, check: nothing }),
  '9 gets, 1 set'() {
    let turn = 0
    const isSet = (): boolean => turn % 10 === 0
    return {
      run(index) {
        turn++
        return isSet() ? set(index) : get(index)
      },
      // With one in flight the answer is that of the last turn.
      check: (value, index) => (isSet() ? undefined : check(value, index)),
    }
  },
  'getOrSet, there': () => ({ run: (index) => store.getOrSet(keys[index]!, wrong), check }),
  'getOrSet, missing': () => ({
    run: (index) => store.getOrSet(`new:${size}:${made++}`, () => values[index]!),
    check,
  }),
  increment: () => counting((index) => store.increment!(`counter:${keys[index]!}`)),
  'increment of one counter': () => counting(() => store.increment!('counter')),
}

function get(index: number): unknown {
  return store.get(keys[index]!)
}

function set(index: number): unknown {
  return store.set(keys[index]!, values[index]!)
}

function counting(run: (index: number) => unknown): Work {
  return { run, check: () => void increments++ }
}

function check(value: unknown, number: number): void {
  const text = value as Kept
  if (typeof text === 'string' && text.length === size && text.startsWith(heads[number]!)) return
  throw new Error(`${keys[number]} has not its value: ${String(text).slice(0, 20)}`)
}

function nothing(): void {}

function wrong(): never {
  throw new Error('The factory was called for a key that is there')
}

/** One piece of memory: a text that was put together would be taken apart at its first use, within what is measured. */
function valueOf(head: string, length: number): string {
  return Buffer.from(head.padEnd(length, '<p>text</p>')).toString('latin1')
}

answer(handlers)
