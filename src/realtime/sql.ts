/** The statements of the part's log; those of trimming are in `log/trim-sql.ts`. */

/** Whether the database has the tables of the part. */
export const selectTables = "select 1 from sqlite_schema where type = 'table' and name = 'handcar_messages'"

export const insertMessage = `
  insert into handcar_messages (channel, type, data, created_at) values (?, ?, ?, ?)`

/** Where the log ends now, in the snapshot of the caller. */
export const selectPosition = `
  select epoch, coalesce((select max(offset) from handcar_messages), 0) as offset
  from handcar_realtime_state where id = 1`

/** Up to where retention has taken something, and up to where it is not known any more of which channels. */
export const selectHighestTrimmed = `
  select floor, (select coalesce(max(offset), 0) from handcar_trimmed) as offset
  from handcar_realtime_state where id = 1`

/** The channels of which retention has taken something after an offset. */
export const selectTrimmedSince = `
  select channel from handcar_trimmed indexed by handcar_trimmed_for_folding where offset > ? order by offset`

/** The messages of all channels from an offset on: what a process reads after commits, however many channels it serves. */
export const selectFrom = `
  select offset, channel, type, data, created_at as createdAt from handcar_messages not indexed
  where offset >= ? order by offset limit ?`

/** The latest messages of all channels up to an offset, the latest first. */
export const selectLatest = `
  select offset, channel, type, data, created_at as createdAt from handcar_messages not indexed
  where offset <= ? order by offset desc limit ?`

/** The messages of one channel after an offset. */
export const selectAfter = `
  select offset, channel, type, data, created_at as createdAt
  from handcar_messages indexed by handcar_messages_for_replay
  where channel = ? and offset > ? order by offset limit ?`

/** The latest messages of one channel before an offset, the latest first. */
export const selectBefore = `
  select offset, channel, type, data, created_at as createdAt
  from handcar_messages indexed by handcar_messages_for_replay
  where channel = ? and offset < ? order by offset desc limit ?`

/** What is needed to tell whether a channel can be resumed from a position. */
export const selectReach = `
  select epoch, floor,
    coalesce((select max(offset) from handcar_messages), 0) as highest,
    coalesce((select offset from handcar_trimmed where channel = ?), 0) as trimmed
  from handcar_realtime_state where id = 1`

export const selectOrigin = 'select file, boot from handcar_realtime_state where id = 1'

/** Begins a new epoch, unless somebody else has begun one. */
export const replaceEpoch = 'update handcar_realtime_state set epoch = :epoch where id = 1 and epoch = :known'

/** After the database has gone back: offsets mean something else. */
export const beginEpoch = 'update handcar_realtime_state set epoch = lower(hex(randomblob(8))) where id = 1'

/** Remembers what the log belongs to. */
export const updateOrigin = 'update handcar_realtime_state set file = ?, boot = ? where id = 1'

/** A message to nobody, whose offset is so much higher; as the highest it stays until there is another. */
export const skipOffsets = `
  insert into handcar_messages (offset, channel, type, created_at)
  select offset + ?, 'handcar.boot', 'skip', ? from handcar_messages not indexed order by offset desc limit 1`
