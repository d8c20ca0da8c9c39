import type { Migration } from '../database/index.ts'
import { socketIoMigration } from './adapters/socket-io/migrations.ts'
import { presenceMigrations } from './presence/migrations.ts'

/**
 * The tables of the part, in the app's own file. Only ever added to at the end.
 *
 * - A message is one row; its rowid is its offset. The rowid is a plain one, which is the highest there is plus one, and saves the page of
 *   AUTOINCREMENT at each commit: the trimmer never deletes the message with the highest offset, so that none is given twice.
 * - What retention has taken is remembered by channel (`handcar_trimmed`), or, after long, by a floor for all.
 * - A row of `handcar_realtime_state` is made here, so that there is always one; the epoch is random.
 *
 * Programs that are not handcar publish with `insert into handcar_messages (channel, type, data) values (…)`.
 *
 * Times are milliseconds since 1970.
 */
export const migrations: readonly Migration[] = [
  ...presenceMigrations,
  {
    name: '20261120180000_create_realtime',
    sql: `
create table handcar_messages (
  offset integer primary key,
  created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
  channel text not null,
  type text not null,
  data text not null default 'null' check (json_valid(data)) -- goes to clients as it stands
) strict;
create index handcar_messages_for_replay on handcar_messages (channel, offset);

create table handcar_trimmed (
  channel text primary key,
  offset integer not null, -- the highest that is gone
  trimmed_at integer not null
) strict, without rowid;
create index handcar_trimmed_for_folding on handcar_trimmed (offset);

create table handcar_realtime_state (
  id integer primary key check (id = 1),
  epoch text not null,
  floor integer not null default 0, -- of a channel that has no row in handcar_trimmed, anything below may be gone
  file text, -- the one that the epoch was made for: a copy of it has a life of its own
  boot text -- the run of the machine that has written last
) strict;
insert into handcar_realtime_state (id, epoch) values (1, lower(hex(randomblob(8))));

create table handcar_realtime_receipts (
  key text primary key, -- of a message from a client that was handled
  at integer not null,
  result text -- JSON; what was answered
) strict, without rowid;
create index handcar_realtime_receipts_for_pruning on handcar_realtime_receipts (at);
`,
  },
  socketIoMigration,
]
