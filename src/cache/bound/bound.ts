import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import type { Entry } from '../entries/entry.ts'
import { evictEvent } from '../events.ts'
import {
  countEntries,
  readFreePages,
  readPageCount,
  readPageSize,
  selectEntryCount,
  setEntryCount,
  sweepExpired,
} from '../sql.ts'
import { Uses } from './uses.ts'
import { Victims, victimsPerSample } from './victims.ts'

/** What may be written before the pages are counted again, far below the bound: many processes at once stay below it. */
const uncountedShare = 0.02
const uncountedWrites = 32
const uncountedTime = 500
/** From this share of the bound on every write counts the pages, and it is worth knowing what was used when. */
const pressure = 0.6
/** From this share on each write makes room for what it brings. */
const soft = 0.98
/** Expired entries that are deleted in one go. */
const expiredAtOnce = 100
/** After so many samples that have not freed a page, neighbours go together: their pages merge. */
const patience = 24

/** Free bytes that are worth giving back, whatever the size of the file. */
const muchFree = 1_024 ** 2

/**
 * Keeps the file within its bound: the pages that are in use, as SQLite counts them, in every transaction that writes while it is
 * getting narrow. What is too much goes in the same transaction: first what has expired, then what is used least among some that are looked at (`victims.ts`).
 */
export class Bound {
  readonly uses = new Uses()
  readonly evicted = { room: 0, expired: 0, cleared: 0 }
  readonly #engine: Engine
  readonly #victims: Victims
  #pageSize = 4_096
  #usedPages = 0
  #freePages = 0
  /** Bytes and transactions written since the pages were counted. */
  #uncountedBytes = 0
  #uncountedWrites = 0
  #countedAt = 0
  #gone: number[] = []

  constructor(engine: Engine) {
    this.#engine = engine
    this.#victims = new Victims(engine, this.uses)
  }

  /** Bytes in use, at the last write or look. */
  get bytes(): number {
    return this.#usedPages * this.#pageSize
  }

  /** Bytes of the file that are free. */
  get freeBytes(): number {
    return this.#freePages * this.#pageSize
  }

  /** Whether so much of the file is free that it should be given back. */
  get hasMuchFree(): boolean {
    return this.freeBytes > muchFree && this.#freePages > this.#usedPages / 4
  }

  get #mostPages(): number {
    return Math.floor(this.#engine.maxBytes / this.#pageSize)
  }

  /** Reads how full the file is. */
  measure(): void {
    const { database } = this.#engine
    this.#pageSize = number(database.get(readPageSize))
    this.#count((text) => database.get(text))
  }

  /** Notes that an entry was used, where that can matter. */
  mark(entry: Entry, now: number): void {
    if (this.#usedPages > this.#mostPages * pressure || this.#engine.maxEntries !== undefined)
      this.uses.mark(entry.id, now, entry.createdAt)
  }

  /** Before a write of so many bytes: evicts as much where it is getting narrow. */
  makeRoom(tx: Transaction, bytes: number): void {
    const pages = Math.ceil((bytes * 1.1) / this.#pageSize)
    if (this.#usedPages + pages <= this.#mostPages * soft) return
    this.#count((text) => tx.get(text))
    if (this.#usedPages + pages <= this.#mostPages * soft) return
    this.#evict(tx, Math.ceil(bytes * 1.1), () => this.#usedPages + pages <= this.#mostPages * soft)
  }

  /** After a write: evicts until the bound is kept. */
  keep(tx: Transaction, bytes: number, added: number): void {
    if (bytes > 0 && this.#mustCount(bytes)) {
      this.#count((text) => tx.get(text))
      if (this.#usedPages > this.#mostPages * pressure) this.uses.tell(tx, this.#engine.clock.now())
      if (this.#usedPages > this.#mostPages)
        this.#evict(tx, Infinity, () => this.#usedPages <= this.#mostPages)
    }
    const { maxEntries } = this.#engine
    if (maxEntries !== undefined) this.#keepEntries(tx, maxEntries, added)
  }

  /** Counts the entries anew, where there is a limit of them. */
  recount(tx: Transaction): void {
    tx.run(setEntryCount, [tx.get<{ entries: number }>(countEntries)!.entries])
  }

  /** The ids of what is gone since this was asked last. */
  takeGone(): readonly number[] {
    return this.#gone.length === 0 ? this.#gone : this.#gone.splice(0)
  }

  reset(): void {
    this.#victims.forget()
    this.uses.clear()
  }

  /** Tells of entries that are gone, and counts them. */
  gone(tx: Transaction, cause: 'room' | 'expired' | 'cleared', gone: readonly { id: number }[]): void {
    const entries = gone.length
    if (entries === 0) return
    for (const { id } of gone) this.#gone.push(id)
    this.evicted[cause] += entries
    if (this.#engine.maxEntries !== undefined) {
      const { entries: before } = tx.get<{ entries: number | null }>(selectEntryCount)!
      if (before !== null) tx.run(setEntryCount, [Math.max(0, before - entries)])
    }
    if (evictEvent.hasSubscribers) evictEvent.publish({ cause, entries })
  }

  /** Far below the bound the pages are counted now and then only: that is half of the price of a small write. */
  #mustCount(bytes: number): boolean {
    this.#uncountedBytes += bytes
    this.#uncountedWrites++
    const most = this.#mostPages * this.#pageSize
    return (
      this.#usedPages > this.#mostPages * pressure ||
      this.#uncountedBytes > most * uncountedShare ||
      this.#uncountedWrites > uncountedWrites ||
      performance.now() - this.#countedAt > uncountedTime
    )
  }

  #keepEntries(tx: Transaction, maxEntries: number, added: number): void {
    if (added === 0) return
    const before = tx.get<{ entries: number | null }>(selectEntryCount)!.entries
    if (before === null) this.recount(tx)
    else tx.run(setEntryCount, [before + added])
    const count = (): number => tx.get<{ entries: number }>(selectEntryCount)!.entries
    for (let left = count() - maxEntries; left > 0; left = count() - maxEntries) {
      const gone =
        this.#evictExpired(tx, left) || this.#evictSample(tx, Math.min(left, victimsPerSample)).gone.length
      if (gone === 0) return
    }
  }

  /** Evicts until `isEnough`, or until so many bytes are gone, whichever comes first. */
  #evict(tx: Transaction, bytes: number, isEnough: () => boolean): void {
    let left = bytes
    let vain = 0
    while (left > 0) {
      const before = this.#usedPages
      if (this.#evictExpired(tx, expiredAtOnce) === 0) {
        const { gone, freed } = this.#evictSample(tx, victimsPerSample)
        left -= freed
        if (gone.length === 0 && this.#evictRange(tx) === 0) return
        if (vain >= patience && left === Infinity) {
          this.#evictRange(tx)
          vain = 0
        }
      }
      this.#count((text) => tx.get(text))
      if (isEnough()) return
      vain = this.#usedPages < before ? 0 : vain + 1
    }
  }

  #evictExpired(tx: Transaction, most: number): number {
    const gone = tx.all<{ id: number }>(sweepExpired, [this.#engine.clock.now(), most])
    this.gone(tx, 'expired', gone)
    return gone.length
  }

  #evictSample(tx: Transaction, most: number): { gone: readonly { id: number }[]; freed: number } {
    const evicted = this.#victims.evict(tx, most)
    this.gone(tx, 'room', evicted.gone)
    return evicted
  }

  #evictRange(tx: Transaction): number {
    const gone = this.#victims.evictNeighbours(tx)
    this.gone(tx, 'room', gone)
    return gone.length
  }

  #count(read: (text: string) => unknown): void {
    this.#freePages = number(read(readFreePages))
    this.#usedPages = number(read(readPageCount)) - this.#freePages
    this.#uncountedBytes = 0
    this.#uncountedWrites = 0
    this.#countedAt = performance.now()
  }
}

/** The only column of a row. */
function number(row: unknown): number {
  return Object.values(row as Record<string, number>)[0]!
}
