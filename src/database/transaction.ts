import type { AsyncLocalStorage } from 'node:async_hooks'
import { isPromise, TransactionScopeError } from '../core/index.ts'
import type { Connection } from './connection.ts'
import type { RunResult } from './driver.ts'
import type { SqlParameters } from './parameters.ts'
import { parametersOf, textOf, type QueryInput } from './query.ts'

/**
 * Knows, for one database, the transaction in whose body the current code runs. `database.get`, `database.write` and the
 * other parts join it by themselves, so that what they do commits and rolls back with it.
 */
export type TransactionContext = AsyncLocalStorage<ReadTransaction>

/** How a transaction ended, or that it has not. */
type Outcome = 'open' | 'committed' | 'rolled back'

/**
 * What a body of `read()` sees: several statements over one state of the database. Valid until the body returns.
 */
export class ReadTransaction {
  /** @internal */
  readonly connection: Connection
  /** @internal */
  readonly context: TransactionContext
  #outcome: Outcome = 'open'
  #inner: Transaction | undefined

  /** @internal */
  constructor(connection: Connection, context: TransactionContext) {
    this.connection = connection
    this.context = context
  }

  /** The first row, or `undefined`. */
  get<Row = Record<string, unknown>>(query: QueryInput, parameters?: SqlParameters): Row | undefined {
    this.assertUsable()
    return this.connection.get(textOf(query), parametersOf(query, parameters)) as Row | undefined
  }

  /** All rows. */
  all<Row = Record<string, unknown>>(query: QueryInput, parameters?: SqlParameters): Row[] {
    this.assertUsable()
    return this.connection.all(textOf(query), parametersOf(query, parameters)) as Row[]
  }

  /** @internal Whether the body still runs. */
  get isOpen(): boolean {
    return this.#outcome === 'open'
  }

  /** @internal Whether it was taken back, so that code of its body that still runs must not go on beside it. */
  get wasRolledBack(): boolean {
    return this.#outcome === 'rolled back'
  }

  /** @internal */
  end(outcome: 'committed' | 'rolled back'): void {
    this.#outcome = outcome
    this.#inner?.end(outcome)
  }

  /** @internal The savepoint that is open inside this transaction. */
  get inner(): Transaction | undefined {
    return this.#inner?.isOpen ? this.#inner : undefined
  }

  protected set inner(savepoint: Transaction) {
    this.#inner = savepoint
  }

  /** @internal */
  assertUsable(): void {
    if (!this.isOpen) {
      throw new TransactionScopeError(
        'HANDCAR_TRANSACTION_CLOSED',
        `The transaction has ended: it was ${this.#outcome}`,
      )
    }
    if (this.connection.hasLostTransaction) {
      throw new TransactionScopeError(
        'HANDCAR_TRANSACTION_ROLLED_BACK',
        'A statement of this transaction failed in a way that made SQLite roll the whole transaction back',
      )
    }
    if (this.inner) {
      throw new TransactionScopeError(
        'HANDCAR_TRANSACTION_NESTED',
        'A savepoint inside this transaction is still open',
      )
    }
  }
}

/** What a body of `write()` sees: it reads, and it changes the database. Valid until the body returns. */
export class Transaction extends ReadTransaction {
  /** @internal The transaction that this one is a savepoint of. */
  readonly outer: Transaction | undefined
  readonly #depth: number
  readonly #topics = new Set<string>()
  /** Of a savepoint with an asynchronous body: when that has ended. */
  #settled: Promise<unknown> | undefined

  /** @internal */
  constructor(connection: Connection, context: TransactionContext, outer?: Transaction) {
    super(connection, context)
    this.outer = outer
    this.#depth = outer ? outer.#depth + 1 : 0
  }

  /** Runs a statement for its effect. */
  run(query: QueryInput, parameters?: SqlParameters): RunResult {
    this.assertUsable()
    return this.connection.run(textOf(query), parametersOf(query, parameters))
  }

  /**
   * Runs a body whose changes can be taken back alone: when it throws, only they are, and the error goes on to the
   * caller. Returns what the body returns; an asynchronous body must be awaited before the outer transaction is used.
   */
  savepoint<Result>(body: (tx: Transaction) => Result): Result {
    this.assertUsable()
    const inner = new Transaction(this.connection, this.context, this)
    const name = `handcar_${inner.#depth}`
    this.connection.control(`savepoint ${name}`)
    this.inner = inner
    const release = (): void => {
      this.connection.control(`release ${name}`)
      for (const topic of inner.#topics) this.#topics.add(topic)
      inner.end('committed')
    }
    const rollback = (): void => {
      if (inner.isOpen && this.connection.inTransaction) {
        this.connection.control(`rollback to ${name}`)
        this.connection.control(`release ${name}`)
      }
      inner.end('rolled back')
    }
    let result: Result
    try {
      result = this.context.run(inner, body, inner)
      if (!isPromise(result)) release()
    } catch (error) {
      rollback()
      throw error
    }
    if (!isPromise(result)) return result
    const settled = result.then(
      (value) => {
        if (inner.isOpen) release()
        return value
      },
      (error: unknown) => {
        rollback()
        throw error
      },
    )
    inner.#settled = settled.catch(() => {})
    return settled as Result
  }

  /** Names what this transaction changes, for the listeners of `database.onCommit`. */
  touch(...topics: string[]): void {
    this.assertUsable()
    for (const topic of topics) this.#topics.add(topic)
  }

  /** @internal Runs a nested `database.write` as a savepoint, after the one that may be open. */
  async join<Result>(body: (tx: Transaction) => Result | Promise<Result>): Promise<Result> {
    for (let inner = this.inner; inner !== undefined && inner.#settled !== undefined; inner = this.inner)
      await inner.#settled
    return this.savepoint(body)
  }

  /** @internal */
  get topics(): ReadonlySet<string> {
    return this.#topics
  }
}
