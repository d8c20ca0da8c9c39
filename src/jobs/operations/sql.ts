/**
 * Every statement of the operations. Filters are one condition with a parameter for each of their parts, null for those that were
 * not given, so that the statements stay the same.
 */

const matches = `
    (:states is null or state in (select value from json_each(:states)))
    and (:holds is null or blocked in (select value from json_each(:holds)))
    and (:names is null or name in (select value from json_each(:names)))
    and (:queues is null or queue in (select value from json_each(:queues)))
    and (:batch is null or batch_id = :batch)
    and (:since is null or coalesce(finished_at, created_at) >= :since)
    and (:until is null or coalesce(finished_at, created_at) < :until)
    and (:tag is null or exists (
      select 1 from json_each(iif(json_valid(tags), tags, '[]')) where value = :tag
    ))
    and (:text is null or instr(lower(payload), lower(:text)) > 0)
    and (:payload is null or iif(json_valid(payload), not exists (
      select 1 from json_each(:payload) as wanted where (handcar_jobs.payload ->> wanted.key) is not wanted.value
    ), 0))
    and (:error is null or instr(lower(reason), lower(:error)) > 0 or exists (
      select 1 from handcar_job_errors as failed
      where failed.job_id = handcar_jobs.id and instr(lower(failed.error), lower(:error)) > 0
    ))`

const listed =
  'id, name, queue, priority, state, blocked, attempt, max_attempts, created_at, scheduled_at, attempted_at, finished_at, batch_id, parent_id, tags, reason'

/** A slice of the table, from its newest job to its oldest; no index, so that nobody has to keep one for it. */
const walk = (columns: string): string => `
  select ${columns} from handcar_jobs not indexed
  where id >= :least and id < :below and ${matches}
  order by id desc limit :limit`

/** Jobs whose ids are known. */
const pick = (columns: string): string => `
  select ${columns} from handcar_jobs not indexed
  where id in (select value from json_each(:ids)) and id < :below and ${matches}
  order by id desc limit :limit`

export const walkJobs = walk(listed)
export const walkIds = walk('id')
export const countOfWalk = walk('count(*) as count')
export const pickJobs = pick(listed)
export const pickIds = pick('id')
export const countOfPick = pick('count(*) as count')

/** The id at which a slice of the table begins. */
export const selectSlice =
  'select id from handcar_jobs not indexed where id < ? order by id desc limit 1 offset ?'

/** Jobs in states that an index knows, as long as they are few: the limit is over all. */
export const selectAvailable = `
  select id from handcar_jobs indexed by handcar_jobs_for_claim where state = 'available' and blocked = 0
  union all
  select id from handcar_jobs indexed by handcar_jobs_for_unblocking where state = 'available' and blocked = 1
  union all
  select id from handcar_jobs indexed by handcar_jobs_for_unparking where state = 'available' and blocked >= 2
  limit ?`

export const selectWaitingForTime = `
  select id from handcar_jobs indexed by handcar_jobs_for_promotion where state in ('scheduled', 'retryable') limit ?`

export const selectRunning = `
  select id from handcar_jobs indexed by handcar_jobs_for_rescue where state = 'running' limit ?`

export const selectEnded = `
  select id from handcar_jobs indexed by handcar_jobs_for_pruning
  where finished_at is not null and state in (select value from json_each(?)) and finished_at >= ? and finished_at < ?
  limit ?`

export const selectMembers = `
  select id from handcar_jobs indexed by handcar_jobs_for_batch where batch_id = ? limit ?`

/** Runs jobs again, each at its time or, where that is null, now. The counts of one that had ended begin anew. */
export const retryJobs = `
  update handcar_jobs
  set state = iif(wanted.at is null, 'available', 'scheduled'), blocked = 0, scheduled_at = wanted.at,
    attempt = iif(finished_at is null, attempt, 0), crashes = iif(finished_at is null, crashes, 0),
    finished_at = null, worker_id = null, reason = null, cancel_reason = null, result = null, rate_reserved_at = null
  from (select value ->> 0 as id, value ->> 1 as at from json_each(:jobs)) as wanted
  where handcar_jobs.id = wanted.id and state in (select value from json_each(:states))
  returning id, name, state, queue, priority, fair_key, batch_id`

/** Ends jobs that wait. */
export const endJobs = `
  update handcar_jobs
  set state = :state, blocked = 0, finished_at = :now, reason = :reason, cancel_reason = iif(:state = 'cancelled', :reason, null),
    unique_key = iif(unique_until > :now, unique_key, null), rate_reserved_at = null
  where id in (select value from json_each(:ids)) and state in (select value from json_each(:states))
  returning id, name, batch_id`

/** Asks jobs to end that run. */
export const cancelRunningJobs = `
  update handcar_jobs set cancel_reason = :reason
  where id in (select value from json_each(:ids)) and state = 'running' and cancel_reason is null
  returning id`

/** Gives waiting jobs another time; one without a time waits for something else. */
export const rescheduleJobs = `
  update handcar_jobs
  set state = iif(:at is null, 'available', iif(state = 'available', 'scheduled', state)), scheduled_at = :at, blocked = 0,
    rate_reserved_at = null
  where id in (select value from json_each(:ids)) and state in (select value from json_each(:states))
    and (state = 'available' or scheduled_at is not null)
  returning id, name, state, queue, priority, fair_key, batch_id`

/** Deletes jobs that have ended, with all that belongs to them; the members of a batch that is open are still needed. */
export const deleteJobs = `
  delete from handcar_jobs
  where id in (select value from json_each(:ids)) and state in (select value from json_each(:states))
    and not exists (select 1 from handcar_job_batches as batch where batch.id = batch_id and batch.finished_at is null)
  returning id`

/** One job, as whoever changes it sees it. */
export const selectEditable = `
  select id, name, state, queue, priority, version, payload, fair_key, limit_key, limit_count, rate_key, max_attempts, tags, scheduled_at
  from handcar_jobs where id = ?`

export const editJob = `
  update handcar_jobs
  set queue = :queue, priority = :priority, max_attempts = :max_attempts, tags = :tags, payload = :payload, version = :version,
    limit_key = :limit_key, limit_count = :limit_count, rate_key = :rate_key, fair_key = :fair_key,
    blocked = iif(blocked = 4, 4, 0), reason = iif(state = 'available', null, reason), rate_reserved_at = null
  where id = :id`

/** Writes into the logs of jobs what was done with them. */
export const logJobs = `
  insert into handcar_job_logs (job_id, at, text) select value, :now, :text from json_each(:ids)`

export const selectJob = `
  select ${listed}, version, claims, crashes, limit_key, rate_key, fair_key, unique_key, cancel_reason, trace, payload, result, progress,
    (select name from handcar_job_workers as worker where worker.id = worker_id) as worker
  from handcar_jobs where id = ?`

export const selectErrors = `
  select attempt, started_at, duration, worker, error, stack from handcar_job_errors where job_id = ? order by claim`

/** The last lines of the log of a job, the newest first. */
export const selectLogs = `
  select at, text from handcar_job_logs indexed by handcar_job_logs_for_job where job_id = ? order by id desc limit ?`

/** Whether a queue has jobs that could run now; the first parameter is null for all queues. */
export const selectRunnable = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_claim
  where state = 'available' and blocked = 0 and queue = ? limit 1`

export const selectLimited = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_unblocking
  where state = 'available' and blocked = 1 and (:queue is null or queue = :queue)
    and queue not in (select name from handcar_job_pauses where kind = 'queue')
  limit 1`

export const selectRunningOf = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_rescue
  where state = 'running' and (:queue is null or queue = :queue) limit 1`

export const selectDueOf = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_promotion
  where state in ('scheduled', 'retryable') and scheduled_at <= :now and (:queue is null or queue = :queue)
    and queue not in (select name from handcar_job_pauses where kind = 'queue')
  limit 1`

export const selectSteps = `
  select name, kind, state, tries, started_at, finished_at, wake_at, event, error, result
  from handcar_job_steps where job_id = ? order by started_at, name`

/** The jobs and batches that a job needs; what was deleted has no state of its own any more. */
export const selectNeeds = `
  select needs as kind, needs_id as id, dependency.state as need, coalesce(needed.name, batch.name) as name,
    coalesce(needed.state, batch.state) as state
  from handcar_job_dependencies as dependency
  left join handcar_jobs as needed on needs = 'job' and needed.id = needs_id
  left join handcar_job_batches as batch on needs = 'batch' and batch.id = needs_id
  where dependency.job_id = ? order by needs_id`

/** The jobs that need a job. */
export const selectNeededBy = `
  select 'job' as kind, job_id as id, dependency.state as need, dependent.name, dependent.state
  from handcar_job_dependencies as dependency indexed by handcar_job_dependencies_for_needed
  join handcar_jobs as dependent on dependent.id = job_id
  where needs = 'job' and needs_id = ? order by job_id limit 100`

export const selectBatch = `
  select id, name, state, total, pending, completed, discarded, cancelled, cancel_reason
  from handcar_job_batches where id = ?`

export const insertPause = `
  insert into handcar_job_pauses (kind, name, paused_at) values (?, ?, ?) on conflict do nothing`

export const deletePause = 'delete from handcar_job_pauses where kind = ? and name = ?'
