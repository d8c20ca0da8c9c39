import { sql } from 'kysely'
import type { Queries } from '../database/index.ts'
import { found } from '../models/errors.ts'

type Table = 'users' | 'posts' | 'comments'

/** A random id between the lowest and the highest of a table. Throws NotFoundError when the table is empty. */
export async function randomId(queries: Queries, table: Table): Promise<number> {
  // Two subqueries: SQLite finds the end of an index only when a query asks for one of them.
  const range = await queries
    .selectNoFrom([
      sql<number | null>`(select min(id) from ${sql.table(table)})`.as('lowest'),
      sql<number | null>`(select max(id) from ${sql.table(table)})`.as('highest'),
    ])
    .executeTakeFirstOrThrow()
  const lowest = found(range.lowest ?? undefined)
  return lowest + Math.floor(Math.random() * (range.highest! - lowest + 1))
}

/** The id of a random row: the first one from a random id upwards. Throws NotFoundError when there is none. */
export async function randomRow(queries: Queries, table: Table): Promise<number> {
  const id = await randomId(queries, table)
  const rows = queries.selectFrom(table).select('id').where('id', '>=', id).orderBy('id').limit(1)
  return found(await rows.executeTakeFirst()).id
}
