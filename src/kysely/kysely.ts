import { Kysely, type KyselyConfig } from 'kysely'
import type { Database } from '../database/index.ts'
import { HandcarDialect } from './dialect.ts'
import { queueTransactions } from './queue-transactions.ts'

/** Options of {@link kysely}: Kysely's own, without the dialect. */
export type KyselyOptions = Omit<KyselyConfig, 'dialect'>

/**
 * A Kysely query builder over a database. A statement that only reads runs at once on this thread; one that writes goes
 * through the queue of `database.write`. `stream()` reads through a reader process.
 *
 * `db.transaction().execute(body)` is a `database.write(body)`: the body may await queries only, other parts join it, and
 * a transaction inside it is a savepoint; with `setAccessMode('read only')` it is a `database.read(body)`. Inside
 * `database.write(body)` the same query builder joins that transaction.
 *
 * ```ts
 * const db = kysely<Schema>(database)
 * const post = await db.selectFrom('posts').selectAll().where('id', '=', id).executeTakeFirst()
 * ```
 *
 * The database is started and stopped by its owner: `db.destroy()` leaves it open.
 */
export function kysely<Schema>(database: Database, options: KyselyOptions = {}): Kysely<Schema> {
  return queueTransactions(
    new Kysely<Schema>({ ...options, dialect: new HandcarDialect(database) }),
    database,
  )
}
