/** Every statement of the cache. An index that a statement needs is named in it, so that no statistics can talk SQLite out of it. */

export const selectState = 'select seed_low, seed_high from handcar_cache_state where id = 1'

export const selectTables = "select 1 from sqlite_schema where name = 'handcar_cache_entries'"

export const selectTagTable = "select 1 from sqlite_schema where name = 'handcar_cache_tags'"

export const selectEntry = `
  select space, key, version, expires_at, stale_until, created_at, cost, tags, kind, value
  from handcar_cache_entries where id = ?`

/** What decides whether an entry in memory is still the one in the file. */
export const selectVersion = 'select version from handcar_cache_entries where id = ?'

export const selectMany = `
  select e.id, e.space, e.key, e.version, e.expires_at, e.stale_until, e.created_at, e.cost, e.tags, e.kind, e.value
  from json_each(?) wanted cross join handcar_cache_entries e on e.id = wanted.value`

/** Every column is new, so that it need not be an upsert, which takes a quarter longer. Deletes by it fire no trigger. */
export const replaceEntry = `
  replace into handcar_cache_entries
    (id, space, key, version, expires_at, stale_until, created_at, cost, tags, kind, value)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

export const deleteEntry = `
  delete from handcar_cache_entries where id = ? and space = ? and key = ? returning expires_at, tags`

/**
 * Adds to a counter; one that does not exist or has expired begins at 0. No row: the entry is no counter, or more than a
 * counter, and somebody has to look at it.
 */
export const incrementEntry = `
  insert into handcar_cache_entries
    (id, space, key, version, expires_at, stale_until, created_at, kind, value)
  values (?, ?, ?, ?, ?, ?, ?, 1, cast(? as integer))
  on conflict (id) do update set
    value = iif(expires_at <= excluded.created_at, 0, value) + excluded.value,
    expires_at = iif(expires_at <= excluded.created_at, excluded.expires_at, expires_at),
    stale_until = iif(expires_at <= excluded.created_at, excluded.expires_at, stale_until),
    created_at = excluded.created_at, version = excluded.version
  where space = excluded.space and key = excluded.key and tags is null and kind = 1
    and typeof(value) = 'integer' and abs(value + excluded.value) <= 9007199254740991
  returning value`

export const touchEntry = `
  update handcar_cache_entries set expires_at = ?, stale_until = ?, version = ? where id = ?`

/** Entries in the order of their ids, to walk through all of them in slices. */
export const selectPage = `
  select id, space, key, expires_at, tags from handcar_cache_entries where id > ? order by id limit ?`

export const countEntries = 'select count(*) as entries from handcar_cache_entries'

/** The id of the row that has so many before it: how close together the ids are tells how many there are. */
export const selectNth = 'select id from handcar_cache_entries order by id limit 1 offset ?'

export const selectEntryCount = 'select entries from handcar_cache_state where id = 1'

export const setEntryCount = 'update handcar_cache_state set entries = ? where id = 1'

// Spaces

/** The generations of a space and of those that it is in; what is cleared stands in the table. */
export const selectGenerations = `
  select generation from handcar_cache_spaces where name in (select value from json_each(?)) order by name`

export const setGeneration = `
  insert into handcar_cache_spaces (name, generation) values (?, ?)
  on conflict (name) do update set generation = excluded.generation`

export const insertSpaceNumber =
  'insert into handcar_cache_space_numbers (number, name) values (?, ?) on conflict do nothing'

/** Of a space and of those in it. */
export const deleteSpaceNumbers = `
  delete from handcar_cache_space_numbers
  where ? in ('', name) or (name >= ? || '/' and name < ? || '0')`

/** What clears have left behind, between two ids. */
export const sweepCleared = `
  delete from handcar_cache_entries
  where id > ? and id <= ? and space not in (select number from handcar_cache_space_numbers)
  returning id`

export const selectIdAfter = 'select id from handcar_cache_entries where id > ? order by id limit 1 offset ?'

// Leases

export const selectAnyLease = 'select 1 from handcar_cache_leases limit 1'

/** Nobody holds it, or only one who is dead. */
export const takeLease = `
  insert into handcar_cache_leases (id, token, holder, since) values (?, ?, ?, ?)
  on conflict (id) do update set token = excluded.token, holder = excluded.holder, since = excluded.since
  where holder = ?`

export const selectLease = 'select token, holder from handcar_cache_leases where id = ?'

export const endLease = 'delete from handcar_cache_leases where id = ? and token = ?'

export const breakLease = 'delete from handcar_cache_leases where id = ?'

export const endLeasesOf = 'delete from handcar_cache_leases where holder = ?'

export const insertWait = 'insert or replace into handcar_cache_waits (id, token, waits_for) values (?, ?, ?)'

export const deleteWait = 'delete from handcar_cache_waits where id = ? and waits_for = ?'

/** Whether the first lease waits for the second one, perhaps through others. What a lease waited for that has ended does not count. */
export const selectCircle = `
  with recursive reached (id) as (
    select ?
    union
    select waits.waits_for
    from reached
      join handcar_cache_waits waits on waits.id = reached.id
      join handcar_cache_leases lease on lease.id = waits.id and lease.token = waits.token
  )
  select 1 from reached where id = ?`

// Tags, in the app's file

export const selectTag = 'select version, changed from handcar_cache_tags where tag = ?'

export const countTags = 'select count(*) as tags from handcar_cache_tags'

export const deleteTags = 'delete from handcar_cache_tags'

/** The tag '' counts the changes. */
export const countTagChange = `
  insert into handcar_cache_tags (tag, version, changed) values ('', ?, 1)
  on conflict (tag) do update set changed = changed + 1, version = excluded.version
  returning changed`

export const setTag = `
  insert into handcar_cache_tags (tag, version, changed) values (?, ?, ?)
  on conflict (tag) do update set version = excluded.version, changed = excluded.changed`

// Bound

export const selectSample = `
  select e.id, e.version,
    iif(e.space in (select number from handcar_cache_space_numbers), max(e.created_at, coalesce(u.used_at, 0)), 0) as used_at
  from handcar_cache_entries e left join handcar_cache_uses u on u.id = e.id
  where e.id >= ? order by e.id limit ?`

export const evictEntry = `
  delete from handcar_cache_entries where id = ? and version = ?
  returning coalesce(octet_length(value), 0) + length(key) + 100 as bytes, created_at`

export const evictRange = `
  delete from handcar_cache_entries
  where id in (select id from handcar_cache_entries where id >= ? order by id limit ?)
  returning id`

export const sweepExpired = `
  delete from handcar_cache_entries
  where id in (
    select id from handcar_cache_entries indexed by handcar_cache_entries_for_sweep
    where stale_until <= ? order by stale_until limit ?
  )
  returning id`

export const selectNextExpiry = `
  select stale_until from handcar_cache_entries indexed by handcar_cache_entries_for_sweep
  where stale_until is not null order by stale_until limit 1`

/** Of an entry that is still there: the trigger that deletes its use has run already when it is not. */
export const markUse = `
  insert into handcar_cache_uses (id, used_at)
  select id, ? from handcar_cache_entries where id = ?
  on conflict (id) do update set used_at = excluded.used_at where used_at < excluded.used_at`

// Faults

export const deleteLost = 'delete from handcar_cache_entries where id = ?'

export const readPageCount = 'pragma page_count'

export const readFreePages = 'pragma freelist_count'

export const readDataVersion = 'pragma data_version'

export const readPageSize = 'pragma page_size'

/** Gives one free page back each time that it is run: the driver takes one step of it. */
export const freeOnePage = 'pragma incremental_vacuum'

// From outside, while no process uses the cache

/** Another generation for the space that all others are in. */
export const clearAll = `
  insert into handcar_cache_spaces (name, generation) values ('', random() & 0xffffffffffff)
  on conflict (name) do update set generation = excluded.generation`

export const forgetSpaces = 'delete from handcar_cache_space_numbers'
