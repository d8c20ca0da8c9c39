import {
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { TransactionScopeError } from '../core/index.ts'
import type { Database } from '../database/index.ts'
import { HandcarConnection } from './connection.ts'

/** Kysely's SQLite grammar over handcar's reads and writes. */
export class HandcarDialect implements Dialect {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  createDriver(): Driver {
    return new HandcarDriver(this.#database)
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }

  createAdapter(): HandcarAdapter {
    return new HandcarAdapter()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

/** Queries need not wait for one another: reads are synchronous and writes have a queue of their own. */
class HandcarAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/** Begins and ends nothing: `database.write` and `database.read` do, around the body. See `queue-transactions.ts`. */
class HandcarDriver implements Driver {
  readonly #database: Database
  readonly #connection: DatabaseConnection

  constructor(database: Database) {
    this.#database = database
    this.#connection = new HandcarConnection(database)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  async beginTransaction(): Promise<void> {
    if (this.#database.isInTransaction) return
    throw new TransactionScopeError(
      'HANDCAR_TRANSACTION_PENDING',
      'A transaction without a body could stay open while the event loop turns',
      { fix: 'Use db.transaction().execute(async (trx) => …) in the place of startTransaction().' },
    )
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}
