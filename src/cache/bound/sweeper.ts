import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { selectNextLimitEnd, sweepLimits } from '../limits/sql.ts'
import { freeOnePage, selectIdAfter, selectNextExpiry, sweepCleared, sweepExpired } from '../sql.ts'

/** How much is done in one transaction. */
const entriesAtOnce = 200
const pagesAtOnce = 256
/** It looks no more often than this, in milliseconds. */
const pause = 1_000
/** Free bytes that are not worth giving back. */
const fewBytes = 128 * 1_024

/**
 * Puts away, in small transactions while nothing else is to be written: what has expired, what a clear has left behind, and the pages of the
 * file that are free. It is woken by a timer for the first entry that expires, so that a cache in which nothing expires does nothing.
 *
 * After a crash: what has expired is found at the next start. What a clear had left behind is found by the next clear, and is the first
 * to go when room is needed.
 */
export class Sweeper {
  readonly #engine: Engine
  #dueAt = Infinity
  #endTimer: (() => void) | undefined
  #isRunning = false
  #isStopped = true
  #mustClean = false
  #run: Promise<void> = Promise.resolve()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  start(): void {
    this.#isStopped = false
    this.#arm()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#endTimer?.()
    this.#endTimer = undefined
    this.#dueAt = Infinity
    await this.#run
  }

  /** An entry is there that will be gone at a time. */
  expect(at: number): void {
    if (at === Infinity || this.#isStopped || this.#isRunning) return
    // One pass for all that expires within a second.
    const dueAt = at + pause
    if (dueAt < this.#dueAt) this.#wakeAt(dueAt)
  }

  /** A space was cleared: its entries are still there. */
  clean(): void {
    this.#mustClean = true
    this.wake()
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#isStopped || this.#isRunning) return
    this.#endTimer?.()
    this.#dueAt = Infinity
    this.#isRunning = true
    this.#run = this.#sweep()
      .catch((error: unknown) => this.#engine.faults.report('write', error))
      .then(() => {
        this.#isRunning = false
        if (this.#mustClean) this.wake()
        else this.#arm()
      })
  }

  #wakeAt(at: number): void {
    this.#endTimer?.()
    this.#dueAt = at
    this.#endTimer = this.#engine.clock.setTimer(() => this.wake(), at)
  }

  #arm(): void {
    if (this.#isStopped || this.#engine.faults.isOff) return
    try {
      const next = this.#engine.database.get<{ stale_until: number }>(selectNextExpiry)
      const nextLimit = this.#engine.database.get<{ ends_at: number }>(selectNextLimitEnd)
      const at = Math.min(next?.stale_until ?? Infinity, nextLimit?.ends_at ?? Infinity)
      if (at < Infinity) this.#wakeAt(Math.max(at, this.#engine.clock.now()) + pause)
    } catch (error) {
      this.#engine.faults.report('read', error)
    }
  }

  async #sweep(): Promise<void> {
    await this.#repeat((tx) => {
      const gone = tx.all<{ id: number }>(sweepExpired, [this.#engine.clock.now(), entriesAtOnce])
      this.#engine.bound.gone(tx, 'expired', gone)
      return gone.length === entriesAtOnce
    })
    await this.#repeat(
      (tx) => tx.run(sweepLimits, [this.#engine.clock.now(), entriesAtOnce]).changes === entriesAtOnce,
    )
    if (this.#mustClean) {
      this.#mustClean = false
      await this.#cleanSpaces()
    }
    await this.#shrink()
  }

  async #cleanSpaces(): Promise<void> {
    let after = -1
    await this.#repeat((tx) => {
      const last = tx.get<{ id: number }>(selectIdAfter, [after, entriesAtOnce])?.id
      const gone = tx.all<{ id: number }>(sweepCleared, [after, last ?? Number.MAX_SAFE_INTEGER])
      this.#engine.bound.gone(tx, 'cleared', gone)
      after = last ?? after
      return last !== undefined
    })
  }

  async #shrink(): Promise<void> {
    const { bound, database } = this.#engine
    if (this.#isStopped || database.state !== 'started') return
    bound.pages.measure(database)
    // What is free is used again by the next writes; giving it back is worth it when it is a good part of the file.
    if (bound.pages.freeBytes < Math.max(fewBytes, bound.pages.bytes / 10)) return
    await this.#repeat((tx) => {
      for (let page = 0; page < pagesAtOnce; page++) tx.run(freeOnePage)
      bound.pages.measure(database)
      return bound.pages.freeBytes > fewBytes
    })
  }

  /** Does a piece of work, each in a transaction of its own, as long as it says that there is more. */
  async #repeat(work: (tx: Transaction) => boolean): Promise<void> {
    while (!this.#isStopped) {
      const isMore = await this.#engine.writes.work(work, false)
      if (!isMore) return
    }
  }
}
