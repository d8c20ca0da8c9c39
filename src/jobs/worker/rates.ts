import type { Transaction } from '../../database/index.ts'
import { selectRate, setRate } from '../sql.ts'
import { timeAfter } from '../time.ts'

/**
 * Rate limits inside one transaction: token buckets, kept as the one number that they need, the time at which the bucket will
 * be full again (the generic cell rate algorithm, ITU-T I.371).
 *
 * A job that finds no token takes the next one that will come, so that each job is put off once, and in the order of the queue.
 */
export class Rates {
  readonly #tx: Transaction
  readonly #now: number

  constructor(tx: Transaction, now: number) {
    this.#tx = tx
    this.#now = now
  }

  /** Takes a token of a bucket that holds `count` and gets one each `interval` milliseconds; returns when it may be used. */
  take(key: string, { count, interval }: { count: number; interval: number }): number {
    const row = this.#tx.get<{ next_at: number }>(selectRate, [key])
    const full = Math.max(row?.next_at ?? 0, this.#now)
    this.#tx.run(setRate, [key, full + interval])
    return timeAfter(this.#now, full - (count - 1) * interval - this.#now)
  }
}
