import type { Migration } from '../../../database/index.ts'

/**
 * What the servers of socket.io know of each other, and what clients find again that come back.
 *
 * A server is one namespace in one process; its seat is the file that the process holds locked as long as it lives. A session is kept
 * while its socket is connected, not only from its end on, because a process that is killed could not write it any more.
 */
export const socketIoMigration: Migration = {
  name: '20261120190000_create_socket_io',
  sql: `
create table handcar_socket_io_servers (
  id text primary key,
  seat text not null,
  channel text not null -- of the namespace, in handcar_messages
) strict, without rowid;
create index handcar_socket_io_servers_for_namespace on handcar_socket_io_servers (channel);

create table handcar_socket_io_sessions (
  pid text primary key, -- the secret of the client
  channel text not null,
  sid text not null,
  server text not null,
  rooms text not null, -- JSON: [room, offset of the messages when it was joined], …
  data text not null, -- JSON
  disconnected_at integer -- null while it is connected
) strict, without rowid;
create index handcar_socket_io_sessions_for_rescue on handcar_socket_io_sessions (server)
  where disconnected_at is null;
create index handcar_socket_io_sessions_for_pruning on handcar_socket_io_sessions (channel, disconnected_at)
  where disconnected_at is not null;
`,
}
