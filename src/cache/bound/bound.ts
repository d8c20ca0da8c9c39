import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import type { Entry } from '../entries/entry.ts'
import { evictEvent } from '../events.ts'
import { countEntries, selectEntryCount, setEntryCount, sweepExpired } from '../sql.ts'
import { Pages } from './pages.ts'
import { Uses } from './uses.ts'
import { Victims, victimsPerSample } from './victims.ts'

/** Expired entries that are deleted in one go. */
const expiredAtOnce = 100
/** After so many samples that have not freed a page, neighbours go together: their pages merge. */
const patience = 24

/**
 * Keeps the file within its bound: the pages that are in use, as SQLite counts them, in every transaction that writes while it is
 * getting narrow. What is too much goes in the same transaction: first what has expired, then what is used least among some that are looked at (`victims.ts`).
 */
export class Bound {
  readonly uses = new Uses()
  readonly pages: Pages
  readonly evicted = { room: 0, expired: 0, cleared: 0 }
  readonly #engine: Engine
  readonly #victims: Victims
  #gone: number[] = []

  constructor(engine: Engine) {
    this.#engine = engine
    this.pages = new Pages(engine.maxBytes)
    this.#victims = new Victims(engine, this.uses)
  }

  /** Notes that an entry was used, where that can matter. */
  mark(entry: Entry, now: number): void {
    if (this.pages.isPressing || this.#engine.maxEntries !== undefined)
      this.uses.mark(entry.id, now, entry.createdAt)
  }

  /** Before a write of so many bytes: evicts as much where it is getting narrow. */
  makeRoom(tx: Transaction, bytes: number): void {
    const { pages } = this
    const needed = bytes * 1.1
    if (pages.haveRoom(needed)) return
    pages.count(tx)
    if (!pages.haveRoom(needed)) this.#evict(tx, Math.ceil(needed), () => pages.haveRoom(needed))
  }

  /** After a write: evicts until the bound is kept. */
  keep(tx: Transaction, bytes: number, added: number): void {
    const { pages } = this
    if (bytes > 0 && pages.mustCount(bytes)) {
      pages.count(tx)
      if (pages.isPressing) this.uses.tell(tx, this.#engine.clock.now())
      if (pages.used > pages.most) this.#evict(tx, Infinity, () => pages.used <= pages.most)
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
    const { pages } = this
    let left = bytes
    let vain = 0
    while (left > 0) {
      const before = pages.used
      if (this.#evictExpired(tx, expiredAtOnce) === 0) {
        const { gone, freed } = this.#evictSample(tx, victimsPerSample)
        left -= freed
        if (gone.length === 0 && this.#evictRange(tx) === 0) return
        if (vain >= patience && left === Infinity) {
          this.#evictRange(tx)
          vain = 0
        }
      }
      pages.count(tx)
      if (isEnough()) return
      vain = pages.used < before ? 0 : vain + 1
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
}
