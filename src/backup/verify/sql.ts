/** Every statement on the tables of verifications. */

export const selectTables = "select 1 from sqlite_schema where name = 'handcar_backup_checks'"

export const insertMarker = 'insert into handcar_backup_markers (written_at) values (?)'

export const deleteOldMarkers = 'delete from handcar_backup_markers where id <= ?'

export const insertCheck = `
  insert into handcar_backup_checks
    (database, replica, address, verdict, reason, began_at, duration, restorable_after, bytes, rows, compared, litestream)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

export const deleteOldChecks = `
  delete from handcar_backup_checks
  where id <= ? and id not in (
    select max(id) from handcar_backup_checks group by database, replica, verdict
  )`

const columns = `
  id, database, replica, address, verdict, reason, began_at, duration, restorable_after, bytes, rows, compared, litestream`

/** The newest check of each replica, and of each verdict: what is known of it now, and since when. */
export const selectNewestChecks = `
  select ${columns} from handcar_backup_checks
  where id in (select max(id) from handcar_backup_checks group by database, replica, verdict)
  order by id desc`

export const selectMarkers = 'select id, written_at as writtenAt from handcar_backup_markers'

/** Checks of replicas that are not in the configuration any more. */
export const deleteChecksOfOthers = `
  delete from handcar_backup_checks
  where database = ? and replica not in (select value from json_each(?))`
