import type { Migration } from '../../database/index.ts'

/**
 * The tables of presence. Only ever added to at the end.
 *
 * A row is one connection in one channel. Its key is its *revision*: each change moves the row to a revision of its own,
 * above all others, so that what has changed since a revision is one range of the table, without an index. A row that has
 * ended stays for a minute (`left_at`), for those who read what has changed; then it goes, and the highest revision that
 * went so is the `floor`: who has read less than that reads everything anew.
 *
 * Times are milliseconds since 1970.
 */
export const presenceMigrations: readonly Migration[] = [
  {
    name: '20261120170000_create_presences',
    sql: `
create table handcar_realtime_processes (
  id integer primary key,
  token text not null unique, -- of the file that the process holds locked
  name text not null, -- machine:pid, for people
  started_at integer not null
) strict;

create table handcar_presences (
  revision integer primary key,
  joined_at integer not null,
  leaves_at integer, -- its process has stopped in order: it ends then, unless its client has come back elsewhere
  left_at integer,
  process integer, -- null: its process has stopped in order
  channel text not null,
  user text not null,
  connection text not null,
  metadata text not null default 'null' -- JSON
) strict;

create unique index handcar_presences_for_list on handcar_presences (channel, connection)
  where left_at is null;
create index handcar_presences_for_rescue on handcar_presences (process)
  where left_at is null;
create index handcar_presences_for_ending on handcar_presences (leaves_at)
  where left_at is null and leaves_at is not null;
create index handcar_presences_for_pruning on handcar_presences (left_at)
  where left_at is not null;

create table handcar_presence_state (
  id integer primary key check (id = 1),
  floor integer not null
) strict;

insert into handcar_presence_state (id, floor) values (1, 0);
`,
  },
]
