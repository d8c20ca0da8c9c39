import { BusyError } from '../core/index.ts'
import type { Database, WriteOptions } from './database.ts'
import type { Transaction } from './transaction.ts'

/** Writes a number of items; returns what became of each, in their order. */
export type SharedBody<Item, Result> = (tx: Transaction, items: readonly Item[]) => Result[]

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/** How many items one body writes, so that it does not keep the event loop for long. */
const mostItems = 256

/**
 * A write of one small item that is called often: the items of calls that wait at the same time are written by one body, which
 * saves each a savepoint and its statements.
 *
 * The order of writes stays as they were called: an item joins those before it only while no other write is queued behind them.
 * When a shared body fails each of its items is tried alone, so that one that cannot be written takes no other with it.
 */
export class SharedWrite<Item, Result> {
  readonly #database: Database
  readonly #body: SharedBody<Item, Result>
  readonly #options: WriteOptions
  /** Those that the next body writes. */
  #waiting: Waiting<Item, Result>[] = []
  /** How many writes the database had been given when that body was. */
  #place = -1

  constructor(database: Database, body: SharedBody<Item, Result>, options: WriteOptions) {
    this.#database = database
    this.#body = body
    this.#options = options
  }

  /** Writes an item, outside of any transaction; resolves with what its body returned for it once that is committed. */
  write(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject }
      const canJoin = this.#place === this.#database.writesQueued && this.#waiting.length < mostItems
      if (canJoin && this.#waiting.length > 0) this.#waiting.push(waiting)
      else void this.#begin([waiting])
    })
  }

  async #begin(together: Waiting<Item, Result>[]): Promise<void> {
    this.#waiting = together
    const written = this.#database.write((tx) => {
      if (this.#waiting === together) this.#waiting = []
      return this.#body(
        tx,
        together.map(({ item }) => item),
      )
    }, this.#options)
    this.#place = this.#database.writesQueued
    try {
      const results = await written
      together.forEach(({ resolve }, index) => resolve(results[index]!))
    } catch (error) {
      if (this.#waiting === together) this.#waiting = []
      if (together.length === 1 || error instanceof BusyError) together.forEach(({ reject }) => reject(error))
      else for (const each of together) this.#writeAlone(each)
    }
  }

  #writeAlone({ item, resolve, reject }: Waiting<Item, Result>): void {
    this.#database.write((tx) => this.#body(tx, [item])[0]!, this.#options).then(resolve, reject)
  }
}
