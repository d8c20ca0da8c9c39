import type { Engine } from '../engine.ts'
import type { MemoryStats } from '../memory/memory-layer.ts'
import { countEntries, selectNth } from '../sql.ts'
import type { SlowFactory } from './slowest.ts'

/** What the cache has done in this process since its start, and how full the file is, as plain JSON. */
export interface CacheStats {
  hits: number
  misses: number
  /** Hits among all reads, from 0 to 1. */
  ratio: number
  /** How many entries the file has; with many it is an estimate, right to a few per cent. */
  entries: number
  /** Bytes of the file that are in use. */
  bytes: number
  /** What `bytes` stays below. */
  maxBytes: number
  /** Bytes of the file that are free and not given back yet. */
  freeBytes: number
  /** Entries taken out by this process, by cause. */
  evictions: { room: number; expired: number; cleared: number }
  /** Calls that were a miss or did nothing because the storage failed. */
  errors: number
  /** Whether the storage is in order. */
  isOn: boolean
  /** The slowest factories of this process. */
  slowest: SlowFactory[]
  /** The keys that were read most, roughly. */
  topKeys: { key: string; hits: number }[]
  /** The layer in memory; `undefined` when there is none. */
  memory: (MemoryStats & { hits: number }) | undefined
}

/** So many entries are counted one by one. */
const fewEntries = 2_000

export function readStats(engine: Engine): CacheStats {
  const { reads, bound, faults, memory, maxBytes } = engine
  const all = reads.hits + reads.misses
  return {
    hits: reads.hits,
    misses: reads.misses,
    ratio: all === 0 ? 0 : Number((reads.hits / all).toFixed(4)),
    ...readFile(engine),
    bytes: bound.bytes,
    maxBytes,
    freeBytes: bound.freeBytes,
    evictions: { ...bound.evicted },
    errors: faults.errors,
    isOn: !faults.isOff && faults.canWrite,
    slowest: engine.slowest.list(),
    topKeys: engine.topKeys.list(),
    memory: memory && { ...memory.stats(), hits: reads.memoryHits },
  }
}

function readFile(engine: Engine): { entries: number } {
  const { faults, database, bound } = engine
  if (faults.isOff) return { entries: 0 }
  try {
    bound.measure()
    // Ids are hashes: they lie evenly between 0 and 2^53.
    const nth = database.get<{ id: number }>(selectNth, [fewEntries])
    if (nth !== undefined) return { entries: Math.round((fewEntries / nth.id) * 2 ** 53) }
    return database.get<{ entries: number }>(countEntries)!
  } catch (error) {
    faults.report('read', error)
    return { entries: 0 }
  }
}
