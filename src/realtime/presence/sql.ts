/** The statements of presence. What the tables mean stands in `migrations.ts`. */

/** A row never gets a revision that another had before: pruning keeps the highest. */
const nextRevision = '(select coalesce(max(revision), 0) + 1 from handcar_presences)'

export const selectProcess = 'select id from handcar_realtime_processes where token = ?'

export const insertProcess =
  'insert into handcar_realtime_processes (token, name, started_at) values (?, ?, ?) returning id'

export const selectOtherProcesses = 'select id, token, name from handcar_realtime_processes where token <> ?'

export const deleteProcess = 'delete from handcar_realtime_processes where id = ?'

/** What can be seen of a row by others may be changed by joining again: metadata, and the process that it is in. */
export const updatePresence = `
  update handcar_presences indexed by handcar_presences_for_list
  set revision = ${nextRevision}, leaves_at = null, process = ?, user = ?, metadata = ?
  where channel = ? and connection = ? and left_at is null`

export const insertPresence = `
  insert into handcar_presences (revision, joined_at, process, channel, user, connection, metadata)
  values (${nextRevision}, ?, ?, ?, ?, ?, ?)`

export const endPresence = `
  update handcar_presences indexed by handcar_presences_for_list
  set revision = ${nextRevision}, left_at = ?
  where channel = ? and connection = ? and left_at is null`

/** Of a process that stops in order: somebody else ends it, at its time. */
export const orphanPresence = `
  update handcar_presences indexed by handcar_presences_for_list
  set revision = ${nextRevision}, leaves_at = ?, process = null
  where channel = ? and connection = ? and left_at is null`

export const endRevision = `
  update handcar_presences set revision = ${nextRevision}, left_at = ?
  where revision = ? and left_at is null`

export const selectOfProcess = `
  select revision from handcar_presences indexed by handcar_presences_for_rescue
  where process = ? and left_at is null limit ?`

/**
 * Processes that have presences and that nobody knows: the table comes from a backup, or somebody has deleted rows. One look into
 * the index for each process.
 */
export const selectStrayOwners = `
  with recursive owners (id) as (
    select min(process) from handcar_presences indexed by handcar_presences_for_rescue
    where left_at is null and process > 0
    union all
    select (
      select min(process) from handcar_presences indexed by handcar_presences_for_rescue
      where left_at is null and process > owners.id
    )
    from owners where id is not null
  )
  select id from owners where id is not null and id not in (select id from handcar_realtime_processes)`

export const selectOverdue = `
  select revision from handcar_presences indexed by handcar_presences_for_ending
  where left_at is null and leaves_at <= ? limit ?`

export const selectNextEnding = `
  select min(leaves_at) as at from handcar_presences indexed by handcar_presences_for_ending
  where left_at is null and leaves_at is not null`

export const selectPresences = `
  select user, connection, metadata from handcar_presences indexed by handcar_presences_for_list
  where channel = ? and left_at is null and (leaves_at is null or leaves_at > ?)
  order by connection`

/** How far the table has come, and since when changes may be missing from it. */
export const selectProgress = `
  select floor, (select coalesce(max(revision), 0) from handcar_presences) as last
  from handcar_presence_state where id = 1`

export const selectChanges = `
  select revision, channel, user, connection, metadata, leaves_at, left_at from handcar_presences
  where revision > ? order by revision limit ?`

export const selectPrunable = `
  select revision from handcar_presences indexed by handcar_presences_for_pruning
  where left_at < ? and revision < (select max(revision) from handcar_presences) limit ?`

export const deleteRevision = 'delete from handcar_presences where revision = ?'

export const raiseFloor = 'update handcar_presence_state set floor = max(floor, ?) where id = 1'
