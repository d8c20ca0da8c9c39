/** The statements of limits and locks, which run in the cache's own file or in the app's. */

export const selectLimit = 'select state, ends_at from handcar_cache_limits where key = ? and policy = ?'

export const putLimit = `
  insert into handcar_cache_limits (key, policy, ends_at, state) values (?, ?, ?, ?)
  on conflict (key, policy) do update set ends_at = excluded.ends_at, state = excluded.state`

/** Does not touch the index. */
export const updateLimit = 'update handcar_cache_limits set state = ? where key = ? and policy = ?'

export const deleteLimit = 'delete from handcar_cache_limits where key = ?'

/** Limits that nothing is known of any more but that everything is allowed. */
export const sweepLimits = `
  delete from handcar_cache_limits
  where (key, policy) in (
    select key, policy from handcar_cache_limits indexed by handcar_cache_limits_for_sweep
    where ends_at <= ? order by ends_at limit ?
  )`

export const selectNextLimitEnd = `
  select ends_at from handcar_cache_limits indexed by handcar_cache_limits_for_sweep order by ends_at limit 1`

export const selectLock = 'select token, holder, expires_at from handcar_cache_locks where key = ?'

/** Larger than every token before, also after the file was lost: it is at least the time, in microseconds. */
export const nextToken = `
  insert into handcar_cache_tokens (id, last) values (1, ?)
  on conflict (id) do update set last = max(last + 1, excluded.last)
  returning last`

export const putLock = `
  insert into handcar_cache_locks (key, token, holder, expires_at, since) values (?, ?, ?, ?, ?)
  on conflict (key) do update set
    token = excluded.token, holder = excluded.holder, expires_at = excluded.expires_at, since = excluded.since`

export const extendLock = `
  update handcar_cache_locks set expires_at = ?
  where key = ? and token = ? and holder = ? and (expires_at is null or expires_at > ?)`

export const deleteLock = `
  delete from handcar_cache_locks where key = ? and token = ? and holder = ?
  returning expires_at`

export const deleteLocksOf = 'delete from handcar_cache_locks where holder = ?'

/** Those who hold locks, or held them when they were killed. */
export const selectHolders = 'select distinct holder from handcar_cache_locks limit 100'

export const deleteOverLocks = 'delete from handcar_cache_locks where expires_at <= ?'

/** After the database has gone back: who held a lock then does not hold it now. */
export const endAllLocks = 'delete from handcar_cache_locks'
