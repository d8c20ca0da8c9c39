import type { Kysely, Transaction, TransactionBuilder } from 'kysely'
import type { Database } from '../database/index.ts'

/** Methods that make a new query builder out of another. */
const derivations = [
  'withPlugin',
  'withoutPlugins',
  'withSchema',
  'withTables',
  '$extendTables',
  '$omitTables',
  '$pickTables',
] as const

type AnyMethod = (...values: unknown[]) => unknown

/**
 * Makes the transactions of a query builder bodies of `database.write`. Kysely's own way calls the driver to begin and to
 * commit, with the body in between, which leaves no place to run the body inside something: so that what the body calls
 * knows its transaction, the method is replaced, on this query builder and on those made from it.
 */
export function queueTransactions<Schema>(db: Kysely<Schema>, database: Database): Kysely<Schema> {
  const transaction = db.transaction.bind(db)
  db.transaction = () => queued(transaction(), database)
  const methods = db as unknown as Record<string, AnyMethod>
  for (const name of derivations) {
    const derive = methods[name]!.bind(db)
    methods[name] = (...values) => queueTransactions(derive(...values) as Kysely<unknown>, database)
  }
  return db
}

function queued<Schema>(
  builder: TransactionBuilder<Schema>,
  database: Database,
  readOnly = false,
): TransactionBuilder<Schema> {
  const execute = builder.execute.bind(builder)
  const setAccessMode = builder.setAccessMode.bind(builder)
  const setIsolationLevel = builder.setIsolationLevel.bind(builder)
  builder.execute = <Result>(body: (trx: Transaction<Schema>) => Promise<Result>) =>
    readOnly
      ? database.read(() => execute(body))
      : database.write(() => execute(body), { label: body.name || 'transaction' })
  builder.setAccessMode = (mode) => queued(setAccessMode(mode), database, mode === 'read only')
  builder.setIsolationLevel = (level) => queued(setIsolationLevel(level), database, readOnly)
  return builder
}
