import { random } from './workload.ts'

/** How a trace of reads is made; the same everywhere from the same settings. */
export interface TraceSettings {
  readonly keys: number
  readonly reads: number
  /** Exponent of Zipf's law: the n-th most popular key is asked for n^-exponent times as often as the first. */
  readonly exponent: number
  /** `mixed`: every size from 100 bytes to 10 kB, as many in each order of magnitude. */
  readonly sizes: 'alike' | 'mixed'
  /** The share of reads that go, in order, through keys that nobody asks for twice. */
  readonly scans: number
}

/** The size of all values when they are alike, in bytes. */
const sizeAlike = 1_000

/** The keys that are asked for, one after another; those of scans are not below `keys`. */
export function makeTrace({ keys, reads, exponent, scans }: TraceSettings): Uint32Array {
  const next = random(42)
  const limits = cumulated(keys, exponent)
  const shuffled = shuffle(keys, next)
  const scanLength = 500
  const trace = new Uint32Array(reads)
  let scanned = keys
  let leftOfScan = 0
  for (let at = 0; at < reads; at++) {
    if (leftOfScan === 0 && next() < scans / (1 - scans) / scanLength) leftOfScan = scanLength
    if (leftOfScan > 0) {
      leftOfScan--
      trace[at] = scanned++
    } else trace[at] = shuffled[positionIn(limits, next() * limits[keys - 1]!)]!
  }
  return trace
}

/** The bytes of a key's value: the same each time it is made. */
export function sizeOf({ sizes }: TraceSettings, key: number): number {
  return sizes === 'alike' ? sizeAlike : Math.round(100 * 100 ** random(key)())
}

function cumulated(keys: number, exponent: number): Float64Array {
  let sum = 0
  return Float64Array.from({ length: keys }, (_, index) => (sum += (index + 1) ** -exponent))
}

function shuffle(keys: number, next: () => number): Uint32Array {
  const shuffled = Uint32Array.from({ length: keys }, (_, index) => index)
  for (let index = keys - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1))
    ;[shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!]
  }
  return shuffled
}

/** The first position whose limit is not below the value. */
function positionIn(limits: Float64Array, value: number): number {
  let [low, high] = [0, limits.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (limits[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
