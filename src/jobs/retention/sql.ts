/** The statements of retention. */

/**
 * The next jobs of a state that have ended, from the oldest on, up to a point. One is still needed while something may ask for its result:
 * its batch or one around that is not done or was done only after that point, a callback of its batch, a job that waits for it;
 * or while it holds a unique key for some more time.
 */
export const selectOldJobs = `
  select id, finished_at, (
    coalesce(unique_until, 0) > :now and unique_key is not null
    or exists (
      select 1 from handcar_job_dependencies as need indexed by handcar_job_dependencies_for_needed
      join handcar_jobs as dependent on dependent.id = need.job_id
      where need.needs = 'job' and need.needs_id = old.id and dependent.finished_at is null
    )
    or batch_id is not null and exists (
      with recursive around (id, parent_id, finished_at) as (
        select id, parent_id, finished_at from handcar_job_batches where id = old.batch_id
        union all
        select batch.id, batch.parent_id, batch.finished_at from around
        join handcar_job_batches as batch on batch.id = around.parent_id
      )
      select 1 from around
      where around.finished_at is null or around.finished_at > :until
        or exists (
          select 1 from handcar_job_callbacks as callback join handcar_jobs as job on job.id = callback.job_id
          where callback.batch_id = around.id and job.finished_at is null
        )
        or exists (
          select 1 from handcar_job_dependencies as need indexed by handcar_job_dependencies_for_needed
          join handcar_jobs as dependent on dependent.id = need.job_id
          where need.needs = 'batch' and need.needs_id = around.id and dependent.finished_at is null
        )
    )
  ) as is_needed
  from handcar_jobs as old indexed by handcar_jobs_for_pruning
  where finished_at is not null and state = :state and finished_at <= :until
    and (finished_at, id) > (:finished_at, :id)
  order by finished_at, id limit :limit`

/** When the first job of a state has ended. */
export const selectOldest = `
  select finished_at from handcar_jobs indexed by handcar_jobs_for_pruning
  where finished_at is not null and state = ? order by finished_at limit 1`

/** The first job that is one too many, counted from the latest. */
export const selectSurplus = `
  select id, finished_at from handcar_jobs indexed by handcar_jobs_for_pruning
  where finished_at is not null and state = ? order by finished_at desc, id desc limit 1 offset ?`

/** How many bytes jobs take up with all that belongs to them, from the latest on. */
export const selectSizes = `
  select id, finished_at,
    100 + octet_length(payload) + coalesce(octet_length(result), 0) + coalesce(octet_length(progress), 0)
    + coalesce(octet_length(reason), 0) + coalesce(octet_length(tags), 0) + coalesce(octet_length(trace), 0)
    + coalesce((select sum(octet_length(text) + 20) from handcar_job_logs where job_id = job.id), 0)
    + coalesce((select sum(octet_length(error) + coalesce(octet_length(stack), 0) + 50) from handcar_job_errors where job_id = job.id), 0)
    + coalesce((select sum(coalesce(octet_length(result), 0) + 100) from handcar_job_steps where job_id = job.id), 0) as size
  from handcar_jobs as job indexed by handcar_jobs_for_pruning
  where finished_at is not null and state = :state and (finished_at, id) < (:finished_at, :id)
  order by finished_at desc, id desc limit :limit`

export const deleteOldJobs = `
  delete from handcar_jobs not indexed
  where id in (select value from json_each(?)) and finished_at is not null and state = ?`

export const selectManyLogs = `
  select 1 from handcar_job_logs indexed by handcar_job_logs_for_job where job_id = ? limit 1 offset ?`
export const deleteManyLogs = `
  delete from handcar_job_logs where id in (
    select id from handcar_job_logs indexed by handcar_job_logs_for_job where job_id = ? limit ?
  )`
export const selectManyErrors = 'select 1 from handcar_job_errors where job_id = ? limit 1 offset ?'
export const deleteManyErrors = `
  delete from handcar_job_errors
  where (job_id, claim) in (select job_id, claim from handcar_job_errors where job_id = ? limit ?)`
export const selectManySteps = 'select 1 from handcar_job_steps where job_id = ? limit 1 offset ?'
export const deleteManySteps = `
  delete from handcar_job_steps
  where (job_id, name) in (select job_id, name from handcar_job_steps where job_id = ? limit ?)`

/** The next batches that are done, from the oldest on. One is still needed while it has jobs, batches, or somebody who waits for it. */
export const selectOldBatches = `
  select id, finished_at, (
    exists (select 1 from handcar_jobs indexed by handcar_jobs_for_batch where batch_id is not null and batch_id = old.id)
    or exists (
      select 1 from handcar_job_batches indexed by handcar_job_batches_for_tree
      where parent_id is not null and parent_id = old.id
    )
    or exists (
      select 1 from handcar_job_callbacks as callback join handcar_jobs as job on job.id = callback.job_id
      where callback.batch_id = old.id and job.finished_at is null
    )
    or exists (
      select 1 from handcar_job_dependencies as need indexed by handcar_job_dependencies_for_needed
      join handcar_jobs as dependent on dependent.id = need.job_id
      where need.needs = 'batch' and need.needs_id = old.id and dependent.finished_at is null
    )
  ) as is_needed
  from handcar_job_batches as old indexed by handcar_job_batches_for_pruning
  where finished_at is not null and finished_at <= :until and (finished_at, id) > (:finished_at, :id)
  order by finished_at, id limit :limit`

export const deleteOldBatches = `
  delete from handcar_job_batches not indexed where id in (select value from json_each(?)) and finished_at is not null`

/** The names that ticks have: one look into the table for each. */
export const selectNamesOfTicks = `
  with recursive names (name) as (
    select min(name) from handcar_job_ticks
    union all
    select (select min(name) from handcar_job_ticks where name > names.name) from names where names.name is not null
  )
  select name from names where name is not null`

export const selectOldTick = 'select 1 from handcar_job_ticks where name = ? and tick_at <= ? limit 1'

/** The first tick that is one too many, counted from the latest. */
export const selectSurplusTick = `
  select tick_at from handcar_job_ticks where name = ? order by tick_at desc limit 1 offset ?`

export const deleteOldTicks = `
  delete from handcar_job_ticks where name = :name and tick_at in (
    select tick_at from handcar_job_ticks where name = :name and tick_at <= :until order by tick_at limit :limit
  )`

export const selectRates = 'select key, next_at from handcar_job_rates where key > ? order by key limit ?'

/** A bucket that is full is like one that is not there. */
export const deleteFullRates = `
  delete from handcar_job_rates where key in (select value from json_each(:keys)) and next_at <= :now`
