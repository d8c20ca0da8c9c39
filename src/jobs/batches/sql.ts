/** Every statement of batches and workflows. The triggers in `migrations.ts` count the jobs of a batch. */

export const insertBatch = 'insert into handcar_job_batches (parent_id, name, created_at) values (?, ?, ?)'

export const insertBatchDetails = `
  insert into handcar_job_batch_details (batch_id, metadata, on_success, on_failure, on_finish) values (?, ?, ?, ?, ?)`

/** A batch that is held closes as soon as nothing of it is pending. */
export const openBatch = "update handcar_job_batches set state = 'open' where id = ? and state = 'held'"

export const selectBatch = `
  select id, parent_id, state, pending, total, completed, discarded, cancelled, closings, created_at, finished_at, name,
    cancel_reason
  from handcar_job_batches where id = ?`

export const selectMetadata = 'select metadata from handcar_job_batch_details where batch_id = ?'

/** Batches that have something to be settled: nothing pending, or something again; or somebody waits for what has ended. */
export const selectUnsettled = `
  select 1 where exists (
    select 1 from handcar_job_batches indexed by handcar_job_batches_for_closing where state = 'open' and pending = 0
  ) or exists (
    select 1 from handcar_job_batches indexed by handcar_job_batches_for_reopening
    where finished_at is not null and pending > 0
  ) or exists (
    select 1 from handcar_job_releases
  ) or exists (
    select 1 from handcar_job_batches indexed by handcar_job_batches_for_cancelling where cancelling = 1
  )`

export const selectClosable = `
  select id, parent_id, discarded, cancelled, closings, cancel_reason
  from handcar_job_batches indexed by handcar_job_batches_for_closing where state = 'open' and pending = 0 limit 100`

/** How the nested batches of a batch have ended. */
export const selectNestedOutcome = `
  select coalesce(max(state = 'failed'), 0) as failed, coalesce(max(state = 'cancelled'), 0) as cancelled
  from handcar_job_batches indexed by handcar_job_batches_for_tree where parent_id = ?`

export const closeBatch = `
  update handcar_job_batches set state = ?, finished_at = ?, closings = closings + 1 where id = ?`

/** A nested batch begins (1) or ends (-1). */
export const countNested = 'update handcar_job_batches set pending = pending + ? where id = ?'

export const selectCallbacks = `
  select on_success, on_failure, on_finish from handcar_job_batch_details where batch_id = ?`

export const insertCallback = `
  insert into handcar_job_callbacks (job_id, batch_id, closing, kind) values (?, ?, ?, ?)`

export const selectBatchOfCallback = 'select batch_id from handcar_job_callbacks where job_id = ?'

export const selectReopenable = `
  select id, parent_id from handcar_job_batches indexed by handcar_job_batches_for_reopening
  where finished_at is not null and pending > 0 limit 100`

export const reopenBatch = `
  update handcar_job_batches set state = 'open', finished_at = null, cancelling = 0, cancel_reason = null where id = ?`

/** Callbacks that have not begun are taken back when their batch is opened again. */
export const deleteWaitingCallbacks = `
  delete from handcar_jobs where id in (select job_id from handcar_job_callbacks where batch_id = ?)
    and state in ('available', 'scheduled', 'retryable')`

/** A batch and all that is nested in it. */
const tree = `
  with recursive tree (id) as (
    values (:id)
    union all
    select batches.id from tree
    join handcar_job_batches as batches indexed by handcar_job_batches_for_tree on batches.parent_id = tree.id
  )`

export const selectProgress = `${tree}
  select sum(total) as total, sum(completed) as completed, sum(discarded) as discarded, sum(cancelled) as cancelled
  from tree cross join handcar_job_batches as batches on batches.id = tree.id`

/** Nothing more is taken into the batches of a tree, and what waits in them is cancelled from now on. */
export const cancelBatches = `${tree}
  update handcar_job_batches set cancel_reason = :reason, cancelling = 1, state = 'open'
  where id in (select id from tree) and state in ('held', 'open')`

export const selectCancelling = `
  select id, cancel_reason from handcar_job_batches indexed by handcar_job_batches_for_cancelling
  where cancelling = 1 limit 1`

export const endCancelling = 'update handcar_job_batches set cancelling = 0 where id = ?'

/** Some of what waits in a batch, but not callbacks of what is nested in it. */
export const cancelMembers = `
  update handcar_jobs
  set state = 'cancelled', blocked = 0, finished_at = :now, cancel_reason = :reason, reason = :reason,
    unique_key = iif(unique_until > :now, unique_key, null)
  where id in (
    select id from handcar_jobs as members indexed by handcar_jobs_for_batch
    where batch_id = :batch and id > :after and state in ('available', 'scheduled', 'retryable')
      and not exists (select 1 from handcar_job_callbacks where job_id = members.id)
    order by id limit :limit
  )
  returning id, name, batch_id`

/** What runs among some of a batch is told to end. */
export const cancelRunningMembers = `
  update handcar_jobs set cancel_reason = :reason
  where id in (
    select id from handcar_jobs as members indexed by handcar_jobs_for_batch
    where batch_id = :batch and id > :after and id <= :until and state = 'running' and cancel_reason is null
      and not exists (select 1 from handcar_job_callbacks where job_id = members.id)
  )`

/** The members of a batch that have ended in one of the states, some at a time. */
export const selectEndedMembers = `
  select id, name, state, result, reason from handcar_jobs indexed by handcar_jobs_for_batch
  where batch_id = :batch and id > :after and state in (select value from json_each(:states))
    and (:name is null or name = :name)
  order by id limit :limit`

export const insertNode =
  'insert into handcar_job_nodes (batch_id, name, kind, target_id) values (?, ?, ?, ?)'

export const selectNode = 'select kind, target_id from handcar_job_nodes where batch_id = ? and name = ?'

export const insertDependency = `
  insert or ignore into handcar_job_dependencies (job_id, needs, needs_id, if_failed, delay, run_at, name)
  values (?, ?, ?, ?, ?, ?, ?)`

/** Whether anything waits for anything. */
export const selectWaiting = `
  select 1 from handcar_job_dependencies indexed by handcar_job_dependencies_for_waiting where state = 'waiting' limit 1`

export const selectAnyDependency = 'select 1 from handcar_job_dependencies limit 1'

/** Whether a job still waits for another. */
export const selectWaitingOfJob = `
  select 1 from handcar_job_dependencies indexed by handcar_job_dependencies_for_waiting
  where state = 'waiting' and job_id = ? limit 1`

/** What waits for jobs that have ended; the first parameter is a list of their ids. */
export const selectDependentsOfJobs = `
  select dependencies.job_id, dependencies.needs, dependencies.needs_id, dependencies.if_failed,
    dependencies.name as needed_name, jobs.name, jobs.state, jobs.reason
  from json_each(?) as ended
  cross join handcar_job_dependencies as dependencies indexed by handcar_job_dependencies_for_needed
    on dependencies.needs = 'job' and dependencies.needs_id = ended.value and dependencies.state = 'waiting'
  cross join handcar_jobs as jobs on jobs.id = ended.value
  where jobs.finished_at is not null
  limit ?`

/** What waits for a job or a batch that has ended, or that there is not. */
export const selectDependentsOfOne = `
  select dependencies.job_id, dependencies.needs, dependencies.needs_id, dependencies.if_failed,
    dependencies.name as needed_name, coalesce(jobs.name, batches.name) as name,
    coalesce(jobs.state, batches.state, 'deleted') as state, jobs.reason
  from handcar_job_dependencies as dependencies indexed by handcar_job_dependencies_for_needed
  left join handcar_jobs as jobs on dependencies.needs = 'job' and jobs.id = dependencies.needs_id
  left join handcar_job_batches as batches on dependencies.needs = 'batch' and batches.id = dependencies.needs_id
  where dependencies.needs = ? and dependencies.needs_id = ? and dependencies.state = 'waiting'
    and iif(coalesce(jobs.id, batches.id) is null, 1, coalesce(jobs.finished_at, batches.finished_at) is not null)
  limit ?`

/** The rest of what waits for it follows in further writes. */
export const insertRelease = 'insert or ignore into handcar_job_releases (needs, needs_id) values (?, ?)'

export const selectReleases = 'select needs, needs_id from handcar_job_releases limit ?'

export const deleteRelease = 'delete from handcar_job_releases where needs = ? and needs_id = ?'

export const setDependency = `
  update handcar_job_dependencies set state = ? where job_id = ? and needs = ? and needs_id = ?`

/** When a job may run that waits for nothing any more. */
export const selectStart = `
  select max(delay) as delay, max(run_at) as run_at from handcar_job_dependencies where job_id = ?`

/** Lets a job go that has waited for others. */
export const releaseJob = `
  update handcar_jobs set state = ?, scheduled_at = ? where id = ? and state = 'scheduled' and scheduled_at is null
  returning id, queue, priority, fair_key`

/** A job whose need has failed is not needed any more. */
export const cancelDependent = `
  update handcar_jobs set state = 'cancelled', finished_at = :now, reason = :reason,
    unique_key = iif(unique_until > :now, unique_key, null)
  where id = :id and state = 'scheduled' and scheduled_at is null
  returning id, name, batch_id`

/** What a job needs, with how that stands now. */
export const selectNeeds = `
  select dependencies.needs, dependencies.needs_id, dependencies.state as edge, dependencies.name,
    coalesce(jobs.state, batches.state, 'deleted') as state, jobs.result, jobs.reason,
    coalesce(jobs.finished_at, batches.finished_at) as finished_at
  from handcar_job_dependencies as dependencies
  left join handcar_jobs as jobs on dependencies.needs = 'job' and jobs.id = dependencies.needs_id
  left join handcar_job_batches as batches on dependencies.needs = 'batch' and batches.id = dependencies.needs_id
  where dependencies.job_id = ?`

/** The jobs that need something which is to be done again. */
export const selectDependents = `
  select dependencies.job_id, dependencies.state as edge, jobs.state, jobs.scheduled_at, jobs.cancel_reason
  from handcar_job_dependencies as dependencies indexed by handcar_job_dependencies_for_needed
  join handcar_jobs as jobs on jobs.id = dependencies.job_id
  where dependencies.needs = ? and dependencies.needs_id = ?`

export const selectFailedNeed = `
  select 1 from handcar_job_dependencies where job_id = ? and state = 'failed' limit 1`

/** A job waits again for what it needs. */
export const waitAgain = `
  update handcar_jobs set state = 'scheduled', scheduled_at = null, finished_at = null, blocked = 0, reason = null where id = ?`

/** The jobs and nested batches of a batch, with their names in the workflow. */
export const selectGraphJobs = `
  select jobs.id, jobs.name as job, jobs.state, nodes.name
  from handcar_jobs as jobs indexed by handcar_jobs_for_batch
  left join handcar_job_nodes as nodes on nodes.batch_id = jobs.batch_id and nodes.kind = 'job' and nodes.target_id = jobs.id
  where jobs.batch_id = ? order by jobs.id limit 1000`

export const selectGraphBatches = `
  select id, name, state from handcar_job_batches indexed by handcar_job_batches_for_tree
  where parent_id = ? order by id limit 1000`

export const selectGraphNeeds = `
  select job_id, needs, needs_id, state from handcar_job_dependencies
  where job_id in (select value from json_each(?))`
