import { openRaw, scalar } from '../harness/sqlite.ts'

/** How many rows the table has: with its index about 110 MB, several times the page cache of 16 MB. */
export const itemCount = 250_000

/** Creates a table several times as large as the page cache, so that random rows are random pages. */
export function createItems(path: string): void {
  const database = openRaw(path)
  database.pragma('journal_mode = wal')
  database.exec(`
    create table items (id integer primary key, score integer not null, body text not null) strict;
    insert into items (id, score, body)
    with recursive numbers (id) as (select 1 union all select id + 1 from numbers where id < ${itemCount})
    select id, id, '${'x'.repeat(300)}' from numbers;
    create index items_for_score on items (score);`)
  database.pragma('wal_checkpoint(truncate)')
  database.close()
}

/** Checks that the table has all its rows still. */
export function auditItems(path: string): void {
  const database = openRaw(path)
  const found = scalar(database, 'select count(*) from items')
  database.close()
  if (found !== itemCount) throw new Error(`items has ${String(found)} rows instead of ${itemCount}`)
}
