/** The statements that look at the tables from outside. They may take their time, and change nothing. */

/** What the log holds. The smallest index is walked through. */
export const selectTotals = `
  select count(*) as messages, coalesce(min(offset), 0) as first,
    (select created_at from handcar_messages order by offset limit 1) as oldest,
    (select floor from handcar_realtime_state where id = 1) as floor,
    (select count(*) from handcar_presences indexed by handcar_presences_for_list where left_at is null) as present
  from handcar_messages`

/** Names of channels that have messages, in their order: one look into the index for each. */
export const selectChannels = `
  with recursive names (channel) as (
    select min(channel) from handcar_messages indexed by handcar_messages_for_replay
    where channel > :after and channel >= :prefix
    union all
    select (
      select min(channel) from handcar_messages indexed by handcar_messages_for_replay
      where channel > names.channel
    )
    from names where substr(names.channel, 1, length(:prefix)) = :prefix
  )
  select channel from names
  where channel is not null and substr(channel, 1, length(:prefix)) = :prefix limit :limit`

export const selectChannel = `
  select count(*) as messages, max(offset) as last
  from handcar_messages indexed by handcar_messages_for_replay where channel = ?`

export const selectCreatedAt = 'select created_at as createdAt from handcar_messages where offset = ?'

/** Channels in which somebody is, with how many. */
export const countPresent = `
  select channel, count(*) as present from handcar_presences indexed by handcar_presences_for_list
  where left_at is null and (leaves_at is null or leaves_at > :now)
    and channel > :after and channel >= :prefix and substr(channel, 1, length(:prefix)) = :prefix
  group by channel limit :limit`

const presences = `
  select channel, user, connection, metadata, joined_at as joinedAt,
    (select name from handcar_realtime_processes where id = process) as process
  from handcar_presences indexed by handcar_presences_for_list`

export const selectPresent = `${presences}
  where left_at is null and (leaves_at is null or leaves_at > :now) order by channel, connection limit :limit`

export const selectPresentIn = `${presences}
  where channel = :channel and left_at is null and (leaves_at is null or leaves_at > :now)
  order by connection limit :limit`
