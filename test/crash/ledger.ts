import type { Database, Migration, Transaction } from 'handcar/database'

/**
 * What the crash tests write: entries of which each transaction makes three, each pointing at the one before, and a
 * counter per writer. Whatever is lost, doubled or half applied breaks one of the rules that {@link auditLedger} checks.
 * No index is unique on purpose: a transaction applied twice must be found, not refused.
 */
export const ledgerMigrations: readonly Migration[] = [
  {
    name: '20260101000000_ledger',
    sql: `
      create table entries (
        id integer primary key,
        writer text not null,
        number integer not null,
        part integer not null check (part between 1 and 3),
        previous_id integer references entries (id),
        payload text not null
      ) strict;
      create index entries_by_writer on entries (writer, number);
      create index entries_by_previous on entries (previous_id);
      create table counters (writer text primary key, transactions integer not null) strict;
    `,
  },
]

/** Options of a database that holds a ledger. On a loaded machine a statement may be slow; that is not the subject here. */
export const ledgerOptions = { partMigrations: { ledger: ledgerMigrations }, slowQuery: '1h' } as const

/** Thrown by a body that takes itself back. */
export class TakenBack extends Error {}

/** One transaction. With a negative number it takes itself back at the end, and no trace of it may stay. */
export function enter(tx: Transaction, writer: string, number: number, payload: string): void {
  let previous: number | bigint | null = null
  for (const part of [1, 2, 3]) {
    const { lastInsertRowid } = tx.run(
      'insert into entries (writer, number, part, previous_id, payload) values (?, ?, ?, ?, ?)',
      [writer, number, part, previous, payload],
    )
    previous = lastInsertRowid
  }
  tx.run(
    'insert into counters values (?, 1) on conflict (writer) do update set transactions = transactions + 1',
    [writer],
  )
  if (number < 0) throw new TakenBack()
}

/** Removes everything, so that a database can serve many rounds and audits stay fast. */
export async function clearLedger(database: Database): Promise<void> {
  await database.write((tx) => {
    tx.run('delete from entries')
    tx.run('delete from counters')
  })
}
