import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { evictEntry, evictRange, selectSample } from '../sql.ts'
import type { Uses } from './uses.ts'

/** How many go at most for each sample that is looked at. */
export const victimsPerSample = 4
/** Neighbours that are looked at together. */
const sampleSize = 16
/** Candidates that are remembered from one sample to the next. */
const poolSize = 64
/** Neighbours that go together. */
const rangeSize = 48

interface Candidate {
  id: number
  version: number
  /** 0 for what a clear has left behind. */
  used_at: number
}

/**
 * Finds what is used least. Ids are hashes, so neighbours in the table are a random sample that costs one look. The best candidates of
 * earlier samples are kept, as Redis does it (https://redis.io/docs/latest/develop/reference/eviction/).
 */
export class Victims {
  readonly #engine: Engine
  readonly #uses: Uses
  #pool: Candidate[] = []

  constructor(engine: Engine, uses: Uses) {
    this.#engine = engine
    this.#uses = uses
  }

  forget(): void {
    this.#pool = []
  }

  /** Looks at some entries and evicts the best candidates that are known. */
  evict(tx: Transaction, most: number): { gone: readonly { id: number }[]; freed: number } {
    const start = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
    let sample = tx.all<Candidate>(selectSample, [start, sampleSize])
    if (sample.length < sampleSize) sample = [...sample, ...tx.all<Candidate>(selectSample, [0, sampleSize])]
    const known = new Set(this.#pool.map(({ id }) => id))
    for (const candidate of sample) {
      if (known.has(candidate.id)) continue
      known.add(candidate.id)
      if (candidate.used_at > 0)
        candidate.used_at = Math.max(candidate.used_at, this.#uses.lastUse(candidate.id))
      this.#pool.push(candidate)
    }
    this.#pool.sort((one, other) => one.used_at - other.used_at)
    const gone: Candidate[] = []
    let freed = 0
    while (gone.length < most && this.#pool.length > 0) {
      const candidate = this.#pool.shift()!
      // Used since it became a candidate: it goes back among all others.
      if (this.#uses.lastUse(candidate.id) > candidate.used_at) continue
      const row = tx.get<{ bytes: number; created_at: number }>(evictEntry, [candidate.id, candidate.version])
      if (row === undefined) continue
      this.#uses.evicted(candidate.id, Math.max(0, this.#engine.clock.now() - row.created_at))
      gone.push(candidate)
      freed += row.bytes
    }
    this.#pool.length = Math.min(this.#pool.length, poolSize)
    return { gone, freed }
  }

  /** Evicts neighbours, whatever they are: their pages get empty, or merge. */
  evictNeighbours(tx: Transaction): readonly { id: number }[] {
    const start = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
    const gone = tx.all<{ id: number }>(evictRange, [start, rangeSize])
    return gone.length > 0 ? gone : tx.all<{ id: number }>(evictRange, [0, rangeSize])
  }
}
