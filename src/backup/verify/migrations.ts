import type { Migration } from '../../database/index.ts'

/**
 * The tables of the part, in the app's own file. Only ever added to at the end.
 *
 * - A marker is a row that a verification writes and then looks for in what it restores. It is there to be replicated.
 * - A check is what a verification has found about one replica.
 *
 * Times are milliseconds since 1970, durations milliseconds.
 */
export const migrations: readonly Migration[] = [
  {
    name: '20261120210000_create_backup_checks',
    sql: `
create table handcar_backup_markers (
  id integer primary key autoincrement,
  written_at integer not null
) strict;

create table handcar_backup_checks (
  id integer primary key autoincrement,
  database text not null,
  replica text not null,
  address text not null,
  verdict text not null check (verdict in ('verified', 'failed', 'inconclusive')),
  reason text,
  began_at integer not null,
  duration integer not null,
  restorable_after integer, -- from the commit of the marker until it could be restored
  bytes integer,
  rows integer, -- in the tables that are compared
  compared integer, -- those of them that were the same before the marker and after the restore
  litestream text
) strict;
create index handcar_backup_checks_by_replica on handcar_backup_checks (database, replica, verdict, id);
`,
  },
]
