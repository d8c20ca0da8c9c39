import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Database } from 'handcar/database'
import { openRaw } from '../harness/sqlite.ts'

/** Bytes of a row's text. */
export const rowBytes = 400

/** Adds one row. */
export const insertRow = 'insert into rows (id, at, body) values (?, ?, ?)'

/** The text of a row: whoever reads it can tell whether it is the right one. */
export function bodyOf(id: number): string {
  return String(id).padEnd(rowBytes, 'x')
}

const table = 'create table rows (id integer primary key, at real not null, body text not null) strict;'
const bodySql = (id: string): string =>
  `substr(${id} || replace(hex(zeroblob(${rowBytes / 2})), '0', 'x'), 1, ${rowBytes})`

/** Creates a database of handcar with one table, and as many rows in it as are wished for. */
export async function createRows(path: string, rows = 0): Promise<void> {
  const migrations = join(dirname(path), 'migrations')
  await mkdir(migrations, { recursive: true })
  await writeFile(join(migrations, '20260101000000_rows.sql'), table)
  const database = new Database({ path, migrations, readers: false, checkpointer: false })
  await database.start()
  await database.stop()
  await rm(migrations, { recursive: true })
  if (rows === 0) return
  const raw = openRaw(path)
  raw.exec(`insert into rows (id, at, body)
    with recursive numbers (id) as (select 1 union all select id + 1 from numbers where id < ${rows})
    select id, 0, ${bodySql('id')} from numbers`)
  raw.pragma('wal_checkpoint(truncate)')
  raw.close()
}

/**
 * Counts the rows of a file, and looks at each: they are the first ones that were written, without a gap, and each has its own text.
 *
 * @throws Error when they are not
 */
export function countRows(path: string): number {
  const database = openRaw(path, { timeout: 5000 })
  try {
    const found = database
      .prepare(
        `select count(*) as rows, coalesce(max(id), 0) as last, count(*) filter (where body <> ${bodySql('id')}) as wrong from rows`,
      )
      .get() as { rows: number; last: number; wrong: number }
    if (found.rows !== found.last || found.wrong > 0)
      throw new Error(`${path} has ${found.rows} rows up to ${found.last}, ${found.wrong} of them wrong`)
    return found.rows
  } finally {
    database.close()
  }
}

/** When a row was written, in milliseconds since 1970; `undefined` when there is none of this id. */
export function writtenAt(path: string, id: number): number | undefined {
  const database = openRaw(path, { timeout: 5000 })
  try {
    return (database.prepare('select at from rows where id = ?').get(id) as { at: number } | undefined)?.at
  } finally {
    database.close()
  }
}
