/** The statements of the socket.io adapter. What the tables mean stands in `migrations.ts`. */

export const insertServer = 'insert into handcar_socket_io_servers (id, seat, channel) values (?, ?, ?)'

export const deleteServer = 'delete from handcar_socket_io_servers where id = ?'

/** The other servers of a namespace. */
export const selectOthers = `
  select id, seat from handcar_socket_io_servers indexed by handcar_socket_io_servers_for_namespace
  where channel = ? and id <> ?`

/** All servers of other processes. */
export const selectServers = 'select id, seat from handcar_socket_io_servers where seat <> ? order by id'

export const selectSession = `
  select sid, server, rooms, data, disconnected_at as disconnectedAt
  from handcar_socket_io_sessions where pid = ? and channel = ?`

/** Only whoever has the session may say what becomes of it. */
export const upsertSession = `
  insert into handcar_socket_io_sessions (pid, channel, sid, server, rooms, data, disconnected_at)
  values (:pid, :channel, :sid, :server, :rooms, :data, :disconnectedAt)
  on conflict (pid) do update
  set rooms = excluded.rooms, data = excluded.data, disconnected_at = excluded.disconnected_at
  where server = excluded.server`

export const takeSession = `
  update handcar_socket_io_sessions set server = ?, disconnected_at = null where pid = ?`

export const deleteSession = 'delete from handcar_socket_io_sessions where pid = ? and server = ?'

/** The sessions of a server that has ended without a word. */
export const orphanSessions = `
  update handcar_socket_io_sessions indexed by handcar_socket_io_sessions_for_rescue
  set disconnected_at = ? where server = ? and disconnected_at is null`

export const selectExpired = `
  select 1 from handcar_socket_io_sessions indexed by handcar_socket_io_sessions_for_pruning
  where channel = ? and disconnected_at < ? limit 1`

export const deleteExpired = `
  delete from handcar_socket_io_sessions where pid in (
    select pid from handcar_socket_io_sessions indexed by handcar_socket_io_sessions_for_pruning
    where channel = ? and disconnected_at < ? limit ?
  )`
