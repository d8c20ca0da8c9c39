import assert from 'node:assert/strict'
import type { Database } from 'handcar/database'
import { auditLedger } from './ledger-audit.ts'
import { clearLedger, enter } from './ledger.ts'

/** A ledger that one process writes to, with what became of each write. */
export class Ledger {
  /** Numbers of the transactions that were acknowledged, and of those that were answered with an error. */
  readonly acknowledged = new Set<number>()
  readonly refused = new Map<number, unknown>()
  /** How many of the last `enterMany` were answered with an error. */
  lastRefusals = 0
  readonly #database: Database
  #last = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** Calls several writes at once and waits until each has been answered. */
  async enterMany(count: number, payload: number): Promise<void> {
    const before = this.refused.size
    await Promise.all(Array.from({ length: count }, () => this.#enter(payload)))
    this.lastRefusals = this.refused.size - before
  }

  /** The codes of all errors. */
  get codes(): string[] {
    const codes = [...this.refused.values()].map((error) => String((error as { code?: unknown }).code))
    return [...new Set(codes)].sort()
  }

  /** What is wrong: see {@link auditLedger}; and transactions that were answered with an error and are there. */
  audit(): string[] {
    const problems = auditLedger(this.#database, new Map([['one', [...this.acknowledged]]]))
    const present = this.#database.all<{ number: number }>('select distinct number from entries')
    const wrong = present.filter(({ number }) => this.refused.has(number))
    if (wrong.length > 0) problems.push(`refused and there all the same: ${wrong.length}`)
    return problems
  }

  /** Removes everything and begins anew. */
  async clear(): Promise<void> {
    await clearLedger(this.#database)
    this.acknowledged.clear()
  }

  async #enter(payload: number): Promise<void> {
    const number = ++this.#last
    const isNew = (): void => assert.ok(!this.acknowledged.has(number) && !this.refused.has(number))
    try {
      await this.#database.write((tx) => enter(tx, 'one', number, 'x'.repeat(payload)))
      isNew()
      this.acknowledged.add(number)
    } catch (error) {
      isNew()
      this.refused.set(number, error)
    }
  }
}
