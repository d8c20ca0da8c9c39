import { setImmediate as nextTurn } from 'node:timers/promises'

/** How something is repeated. */
export interface Repetition {
  /** So many loops at once, each waiting for its own. */
  readonly inFlight: number
  /**
   * After so many operations a loop lets the event loop turn. What never leaves the process would otherwise keep it for itself, and be
   * measured as no application runs.
   */
  readonly perTurn: number
  readonly seconds: number
  /** Ends earlier after so many operations. */
  readonly most: number
}

/** What is repeated. */
export interface Work {
  /** @param index Number of the key, from a fixed random order. */
  readonly run: (index: number) => unknown
  /** Throws when that is not what was to be found. */
  readonly check: (value: unknown, index: number) => void
}

/** How often something was done, and how long it took. */
export interface Done {
  readonly operations: number
  readonly seconds: number
}

const orderLength = 2 ** 14

/** Repeats something, and checks every answer. */
export async function repeat(
  { run, check }: Work,
  { inFlight, perTurn, seconds, most }: Repetition,
  keys: number,
): Promise<Done> {
  const order = anyOrder(keys)
  let isOver = false
  let operations = 0
  const loop = async (start: number): Promise<void> => {
    let at = start
    while (!isOver) {
      for (let turn = 0; turn < perTurn && !isOver; turn++) {
        const index = order[at++ % orderLength]!
        const found = run(index)
        check(found instanceof Promise ? await found : found, index)
        if (++operations >= most) isOver = true
      }
      await nextTurn()
    }
  }
  const started = performance.now()
  const timer = setTimeout(() => (isOver = true), seconds * 1_000)
  await Promise.all(Array.from({ length: inFlight }, (_, number) => loop(number * 7_919)))
  clearTimeout(timer)
  return { operations, seconds: (performance.now() - started) / 1_000 }
}

/** Numbers below `keys`, at random, and the same in each run. */
function anyOrder(keys: number): Uint32Array {
  const next = random(keys)
  return Uint32Array.from({ length: orderLength }, () => Math.floor(next() * keys))
}

/** Numbers from 0 to 1 that follow from a seed (Mulberry32, by Tommy Ettinger, public domain). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
