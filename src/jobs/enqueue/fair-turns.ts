import type { Transaction } from '../../database/index.ts'
import { selectLastTurn, selectTurnOfQueue } from '../sql.ts'

/** What of a job decides about its turn. */
interface Fair {
  queue: string
  priority: number
  fair_key: string | null
  turn: number
}

/**
 * Gives jobs their place in the rounds of a queue, so that the keys of `fairBy` take turns: a job comes in the round after the
 * last job of its key that waits, but never before the round that the queue has come to (start-time fair queueing, Goyal,
 * Vin and Cheng 1996). The claim then only follows an index.
 */
export class FairTurns {
  readonly #tx: Transaction
  readonly #last = new Map<string, number>()
  readonly #current = new Map<string, number>()

  constructor(tx: Transaction) {
    this.#tx = tx
  }

  give(job: Fair): void {
    const { queue, priority, fair_key: key } = job
    const keyOfLast = `${queue}\0${key}`
    const last =
      this.#last.get(keyOfLast) ??
      this.#tx.get<{ turn: number | null }>(selectLastTurn, [queue, key])?.turn ??
      -1
    const keyOfQueue = `${queue}\0${priority}`
    const current =
      this.#current.get(keyOfQueue) ??
      this.#tx.get<{ turn: number }>(selectTurnOfQueue, [queue, priority])?.turn ??
      0
    this.#current.set(keyOfQueue, current)
    job.turn = Math.max(last + 1, current)
    this.#last.set(keyOfLast, job.turn)
  }
}
