import type { Clock } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import * as sql from './sql.ts'

/** A handled message: what was answered, as JSON, and whether that was so before. */
export interface Receipt {
  readonly result: string
  readonly isRepeated: boolean
}

/** How many answers are remembered in memory, and how long they may be together, in characters. */
const mostRemembered = 10_000
const mostCharacters = 8 * 1_048_576

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
  readonly #remembered = new Map<string, { running: Promise<string>; size: number }>()
  #characters = 0

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
    if (before !== undefined) return { result: await before.running, isRepeated: true }
    const answer = { running: handle(), size: 0 }
    this.#remembered.set(key, answer)
    try {
      const result = await answer.running
      this.#grow(key, answer, result.length)
      return { result, isRepeated: false }
    } catch (error) {
      this.#forget(key)
      throw error
    }
  }

  #grow(key: string, answer: { size: number }, size: number): void {
    if (this.#remembered.get(key) !== answer) return
    answer.size = size
    this.#characters += size
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= mostRemembered && this.#characters <= mostCharacters) return
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#characters -= this.#remembered.get(key)?.size ?? 0
    this.#remembered.delete(key)
  }
}
