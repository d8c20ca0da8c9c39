import type { Clock } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import * as sql from './sql.ts'

/** A handled message: what was answered, as JSON, and whether that was so before. */
export interface Receipt {
  readonly result: string
  readonly isRepeated: boolean
}

/** How many answers are remembered in memory. */
const mostRemembered = 10_000

/**
 * Handles each message of a client once, however often it comes: a client that did not get its answer sends the message again, with the
 * same key.
 *
 * - In a transaction: the receipt is a row, committed with what the handler wrote. Exactly once, over all processes, also when this one
 *   dies at any moment.
 * - Otherwise: the answer is remembered in this process, for the latest messages. A message whose answer was lost together with its
 *   process is handled again.
 */
export class Receipts {
  readonly #database: Database
  readonly #clock: Clock
  readonly #remembered = new Map<string, Promise<string>>()

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  /** Runs a handler in a transaction, unless there is a receipt. */
  inTransaction(key: string | undefined, handle: (tx: Transaction) => Promise<string>): Promise<Receipt> {
    return this.#database.write(
      async (tx) => {
        const row = key === undefined ? undefined : tx.get<{ result: string }>(sql.selectReceipt, [key])
        if (row !== undefined) return { result: row.result, isRepeated: true }
        const result = await handle(tx)
        if (key !== undefined) tx.run(sql.insertReceipt, [key, this.#clock.now(), result])
        return { result, isRepeated: false }
      },
      { label: 'handcar.realtime.receive' },
    )
  }

  /** Runs a handler, unless it was run for this key before; one that failed may be tried again. */
  async inMemory(key: string | undefined, handle: () => Promise<string>): Promise<Receipt> {
    if (key === undefined) return { result: await handle(), isRepeated: false }
    const before = this.#remembered.get(key)
    if (before !== undefined) return { result: await before, isRepeated: true }
    const running = handle()
    this.#remember(key, running)
    try {
      return { result: await running, isRepeated: false }
    } catch (error) {
      this.#remembered.delete(key)
      throw error
    }
  }

  #remember(key: string, running: Promise<string>): void {
    this.#remembered.set(key, running)
    if (this.#remembered.size <= mostRemembered) return
    const [oldest] = this.#remembered.keys()
    this.#remembered.delete(oldest!)
  }
}
