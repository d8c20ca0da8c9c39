import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type { Database, SqlParameter, Transaction } from '../database/index.ts'

/** Sends each statement where it belongs: reads at once on this thread, writes through the queue. */
export class HandcarConnection implements DatabaseConnection {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async executeQuery<Row>(
    query: CompiledQuery,
    options?: { signal?: AbortSignal },
  ): Promise<QueryResult<Row>> {
    const database = this.#database
    const parameters = query.parameters as readonly SqlParameter[]
    const { readonly, returnsRows } = database.inspect(query.sql)
    if (readonly) return { rows: database.all<Row>(query.sql, parameters) }
    const execute = (tx: Transaction): QueryResult<Row> => write<Row>(tx, query.sql, parameters, returnsRows)
    const tx = database.transaction
    return tx ? execute(tx) : database.write(execute, { label: labelOf(query), ...options })
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<QueryResult<Row>, void, void> {
    const parameters = query.parameters as readonly SqlParameter[]
    const rows = this.#database.iterate<Row>(query.sql, parameters, { batchSize: chunkSize, ...options })
    for await (const row of rows) yield { rows: [row] }
  }
}

function write<Row>(
  tx: Transaction,
  text: string,
  parameters: readonly SqlParameter[],
  returnsRows: boolean,
): QueryResult<Row> {
  if (returnsRows) return { rows: tx.all<Row>(text, parameters) }
  const { changes, lastInsertRowid } = tx.run(text, parameters)
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
}

/** `InsertQueryNode` of a query becomes the label `insert`. */
function labelOf({ query }: CompiledQuery): string {
  return query.kind.replace(/(?:Query)?Node$/, '').toLowerCase()
}
