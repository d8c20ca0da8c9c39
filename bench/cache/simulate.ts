import { sizeOf, type TraceSettings } from './trace.ts'

/** What came of a trace. */
export interface Replayed {
  /** Hits among the reads of the second half: the first half fills the cache. From 0 to 1. */
  readonly hitRatio: number
  /** What the cache holds at the end. */
  readonly entries: number
  /** Bytes of their keys and values. */
  readonly bytes: number
}

/** The key of a number. */
export function keyOf(number: number): string {
  return `key:${number}`
}

/** What an entry takes when a cache has no overhead at all. */
export function bytesOf(settings: TraceSettings, number: number): number {
  return keyOf(number).length + sizeOf(settings, number)
}

/** A cache that counts nothing but the bytes of keys and values, and takes out exactly what its rule says. */
export function simulate(
  rule: 'LRU' | 'FIFO',
  trace: Uint32Array,
  settings: TraceSettings,
  maxBytes: number,
): Replayed {
  const held = new Map<number, number>()
  let bytes = 0
  let hits = 0
  for (const [at, number] of trace.entries()) {
    const size = held.get(number)
    if (size !== undefined) {
      if (at >= trace.length / 2) hits++
      if (rule === 'FIFO') continue
      held.delete(number)
      held.set(number, size)
      continue
    }
    const added = bytesOf(settings, number)
    held.set(number, added)
    bytes += added
    for (const [oldest, freed] of held) {
      if (bytes <= maxBytes) break
      held.delete(oldest)
      bytes -= freed
    }
  }
  return { hitRatio: hits / Math.floor(trace.length / 2), entries: held.size, bytes }
}
