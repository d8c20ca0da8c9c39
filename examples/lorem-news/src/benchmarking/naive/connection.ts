import { setTimeout as delay } from 'node:timers/promises'
import BetterSqlite3 from 'better-sqlite3'
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type { NaiveMode } from './modes.ts'

/** The part of the driver that is used here. */
interface Driver {
  readonly inTransaction: boolean
  prepare(text: string): Statement
  pragma(text: string): unknown
  close(): void
}

interface Statement {
  readonly reader: boolean
  all(parameters: readonly unknown[]): unknown[]
  run(parameters: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint }
}

const Sqlite = BetterSqlite3 as new (path: string, options: object) => Driver

/** One connection of a naive database. Statements are kept prepared, so that only the waiting differs from handcar's. */
export class NaiveConnection implements DatabaseConnection {
  readonly #driver: Driver
  readonly #mode: NaiveMode
  readonly #statements = new Map<string, Statement>()

  constructor(path: string, mode: NaiveMode) {
    this.#driver = new Sqlite(path, { fileMustExist: true, timeout: 5_000 })
    this.#driver.pragma('synchronous = normal')
    this.#driver.pragma('foreign_keys = on')
    this.#driver.pragma(`busy_timeout = ${mode.timeout}`)
    this.#mode = mode
  }

  /** Runs a query, and again while it is busy when the mode says so; inside a transaction that could not help. */
  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const deadline = Date.now() + this.#mode.retryFor
    for (;;) {
      try {
        return this.#execute(sql, parameters)
      } catch (error) {
        if (!isBusy(error) || this.#driver.inTransaction || Date.now() >= deadline) throw error
        await delay(1)
      }
    }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery(query)
  }

  close(): void {
    this.#driver.close()
  }

  #execute<Row>(text: string, parameters: readonly unknown[]): QueryResult<Row> {
    let statement = this.#statements.get(text)
    if (!statement) this.#statements.set(text, (statement = this.#driver.prepare(text)))
    if (statement.reader) return { rows: statement.all(parameters) as Row[] }
    const { changes, lastInsertRowid } = statement.run(parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }
}

const isBusy = (error: unknown): boolean =>
  String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')
