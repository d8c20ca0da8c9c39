import type { Engine } from '../engine.ts'
import type { MemoryStats } from '../memory/memory-layer.ts'
import { countEntries, selectNth } from '../sql.ts'
import type { SlowFactory } from './slowest.ts'

/** What the cache has done in this process since its start, as plain JSON. */
export interface HereStats {
  hits: number
  misses: number
  /** Hits among all reads, from 0 to 1. */
  ratio: number
  /** Calls that were a miss or did nothing because the storage failed. */
  errors: number
  /** Whether the storage is in order. */
  isOn: boolean
}

/** What the cache has done in this process since its start, and how full the file is, as plain JSON. */
export interface CacheStats extends HereStats {
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
  /** The slowest factories of this process. */
  slowest: SlowFactory[]
  /** The keys that were read most, roughly. */
  topKeys: { key: string; hits: number }[]
  /** The layer in memory; `undefined` when there is none. */
  memory: (MemoryStats & { hits: number }) | undefined
}

/** So many entries are counted one by one. */
const fewEntries = 2_000

/** Tells without a look at the file. */
export function readHere({ reads, faults }: Engine): HereStats {
  const { hits, misses } = reads
  const all = hits + misses
  return {
    hits,
    misses,
    ratio: all === 0 ? 0 : Number((hits / all).toFixed(4)),
    errors: faults.errors,
    isOn: !faults.isOff && faults.canWrite,
  }
}

export function readStats(engine: Engine): CacheStats {
  const { reads, bound, memory, maxBytes } = engine
  return {
    ...readHere(engine),
    ...readFile(engine),
    bytes: bound.pages.bytes,
    maxBytes,
    freeBytes: bound.pages.freeBytes,
    evictions: { ...bound.evicted },
    slowest: engine.slowest.list(),
    topKeys: engine.topKeys.list(),
    memory: memory && { ...memory.stats(), hits: reads.memoryHits },
  }
}

function readFile(engine: Engine): { entries: number } {
  const { faults, database, bound } = engine
  if (faults.isOff) return { entries: 0 }
  try {
    bound.pages.measure(database)
    // Ids are hashes: they lie evenly between 0 and 2^53.
    const nth = database.get<{ id: number }>(selectNth, [fewEntries])
    if (nth !== undefined) return { entries: Math.round((fewEntries / nth.id) * 2 ** 53) }
    return database.get<{ entries: number }>(countEntries)!
  } catch (error) {
    faults.report('read', error)
    return { entries: 0 }
  }
}
