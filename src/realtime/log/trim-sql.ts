/** The statements of retention. */

/** What each message takes up, of all channels, the oldest first. */
export const selectSizes = `
  select offset, channel, octet_length(data) as bytes, created_at as createdAt from handcar_messages not indexed
  where offset > ? and offset <= ? order by offset limit ?`

/** The oldest messages of a channel. */
export const selectOldest = `
  select offset, octet_length(data) as bytes, created_at as createdAt
  from handcar_messages indexed by handcar_messages_for_replay where channel = ? order by offset limit ?`

export const selectOldestOf = `
  select offset from handcar_messages indexed by handcar_messages_for_replay
  where channel = ? order by offset limit 1`

export const selectHighest = 'select max(offset) as offset from handcar_messages'

/** What a channel takes up. */
export const measureChannel = `
  select count(*) as count, coalesce(sum(octet_length(data)), 0) as bytes, min(offset) as first
  from handcar_messages indexed by handcar_messages_for_replay where channel = ? and offset <= ?`

export const deleteUpTo = `
  delete from handcar_messages indexed by handcar_messages_for_replay where channel = ? and offset <= ?`

/** Remembers what is gone of a channel. */
export const upsertTrimmed = `
  insert into handcar_trimmed (channel, offset, trimmed_at) values (:channel, :offset, :now)
  on conflict (channel) do update set offset = max(offset, excluded.offset), trimmed_at = excluded.trimmed_at`

export const countTrimmed =
  'select count(*) as count from handcar_trimmed indexed by handcar_trimmed_for_folding'

/** The marks that lie furthest back. */
export const selectOldestTrimmed = `
  select offset, trimmed_at as trimmedAt from handcar_trimmed indexed by handcar_trimmed_for_folding
  order by offset limit ?`

export const raiseFloor = 'update handcar_realtime_state set floor = max(floor, ?) where id = 1'

export const deleteTrimmed =
  'delete from handcar_trimmed indexed by handcar_trimmed_for_folding where offset <= ?'

/** Receipts of messages that nobody sends again. */
export const deleteReceipts = `
  delete from handcar_realtime_receipts where key in (
    select key from handcar_realtime_receipts indexed by handcar_realtime_receipts_for_pruning where at < ? limit ?
  )`

export const selectOldReceipt = `
  select 1 from handcar_realtime_receipts indexed by handcar_realtime_receipts_for_pruning where at < ? limit 1`
