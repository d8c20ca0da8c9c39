import type { DriverConnection } from './driver.ts'
import { selectContentTables, selectSchemaOfContent } from './sql.ts'

/** A table whose rows are compared, and in which order they are read. */
export interface ContentTable {
  name: string
  /** Columns of its key in the order of its B-tree, as SQL. */
  key: KeyColumn[]
  /** Columns that are stored, as SQL. */
  columns: string[]
}

interface KeyColumn {
  sql: string
  isDescending: boolean
}

interface ColumnRow {
  name: string
  pk: number
  hidden: number
}

/** Values of `hidden` in `pragma table_xinfo`: a generated column that is computed at each read. */
const computed = 2
const rowidNames = ['rowid', '_rowid_', 'oid']

/**
 * The tables of a database whose rows can be read in the order of their B-tree, those behind a virtual table among them; views and virtual
 * tables have no rows of their own. Statistics and what Litestream keeps are nobody's content.
 *
 * @returns tables, and the names of those that cannot be read so: all names of the rowid are taken by columns
 */
export function listContentTables(driver: DriverConnection): { tables: ContentTable[]; skipped: string[] } {
  const tables: ContentTable[] = []
  const skipped: string[] = []
  const listed = all<{ name: string; wr: number }>(driver, selectContentTables)
  for (const { name, wr } of listed) {
    const found = all<ColumnRow>(driver, `pragma main.table_xinfo(${quoted(name)})`)
    const key = wr ? keyOf(driver, name) : rowidOf(found)
    const columns = found.filter(({ hidden }) => hidden !== computed).map((column) => quoted(column.name))
    if (key === undefined) skipped.push(name)
    else tables.push({ name, key, columns })
  }
  return { tables, skipped }
}

/** Everything about a database that is not a row, as text that is equal for equal databases. */
export function describeContent(driver: DriverConnection): string {
  const [version, id, encoding] = ['user_version', 'application_id', 'encoding'].map((name) =>
    driver.pragma(name, { simple: true }),
  )
  return JSON.stringify([version, id, encoding, all(driver, selectSchemaOfContent)])
}

function rowidOf(columns: readonly ColumnRow[]): KeyColumn[] | undefined {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  const free = rowidNames.find((name) => !taken.has(name))
  return free === undefined ? undefined : [{ sql: free, isDescending: false }]
}

/** A table without a rowid is the index of its key. */
function keyOf(driver: DriverConnection, table: string): KeyColumn[] {
  const indexes = all<{ name: string; origin: string }>(driver, `pragma main.index_list(${quoted(table)})`)
  const { name } = indexes.find(({ origin }) => origin === 'pk')!
  const parts = all<{ name: string; desc: number; coll: string; key: number }>(
    driver,
    `pragma main.index_xinfo(${quoted(name)})`,
  )
  return parts
    .filter(({ key }) => key === 1)
    .map((part) => ({
      sql: `${quoted(part.name)} collate ${quoted(part.coll)}`,
      isDescending: part.desc === 1,
    }))
}

/**
 * The queries that read the rows of a table after a key, one after the other: first those that share all columns of the key but the last,
 * then those that share all but the last two, and so on. Each is a seek into the B-tree; what one comparison of whole keys would say
 * in one query, SQLite looks up in no index when columns descend or have a collation of their own.
 *
 * @returns queries, the rows of which begin with the values of the key; `after` says how many of these a query takes
 */
export function queriesAfterKey({ name, key, columns }: ContentTable): { text: string; after: number }[] {
  const order = key.map(({ sql, isDescending }) => `${sql}${isDescending ? ' desc' : ''}`).join(', ')
  const select = `select ${[...key.map(({ sql }) => sql), ...columns].join(', ')} from main.${quoted(name)}`
  return key
    .map((last, depth) => {
      const same = key.slice(0, depth).map(({ sql }) => `${sql} = ?`)
      const beyond = `${last.sql} ${last.isDescending ? '<' : '>'} ?`
      return {
        text: `${select} where ${[...same, beyond].join(' and ')} order by ${order}`,
        after: depth + 1,
      }
    })
    .toReversed()
}

/** The query that reads all rows of a table. */
export function queryFromStart({ name, key, columns }: ContentTable): string {
  const order = key.map(({ sql, isDescending }) => `${sql}${isDescending ? ' desc' : ''}`).join(', ')
  return `select ${[...key.map(({ sql }) => sql), ...columns].join(', ')} from main.${quoted(name)} order by ${order}`
}

function all<Row>(driver: DriverConnection, text: string): Row[] {
  return driver.prepare(text).all([]) as Row[]
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
