/** Every statement of the engine. An index that a statement needs is named in it, so that no statistics can talk SQLite out of it. */

import { insertedColumns, payloadsAtOnce, rowsAtOnce } from './enqueue/job-row.ts'

const columns = insertedColumns.join(', ')
const placeholders = `(${insertedColumns.map(() => '?').join(', ')})`
const commonColumns = insertedColumns.slice(0, -1)

const insertJobs = (count: number): string =>
  `insert into handcar_jobs (${columns}) values ${Array(count).fill(placeholders).join(', ')}`

const insertPayloads = (count: number): string => `
  with job (${commonColumns.join(', ')}) as (values (${commonColumns.map(() => '?').join(', ')})),
    payloads (payload) as (values ${Array(count).fill('(?)').join(', ')})
  insert into handcar_jobs (${columns}) select job.*, payload from payloads, job`

export const insertJob = insertJobs(1)

export const insertManyJobs = insertJobs(rowsAtOnce)

/** Jobs that have everything in common but their payload. */
export const insertSomePayloads = insertPayloads(rowsAtOnce)

export const insertManyPayloads = insertPayloads(payloadsAtOnce)

export const insertUniqueJob = `
  insert into handcar_jobs (${columns}) values ${placeholders}
  on conflict (unique_key) where unique_key is not null do nothing`

export const selectHolderOfKey = `
  select id, state, unique_while, unique_until, payload, version from handcar_jobs indexed by handcar_jobs_for_uniqueness
  where unique_key = ?`

export const releaseKey = 'update handcar_jobs set unique_key = null where id = ?'

export const replaceJob = `
  update handcar_jobs
  set payload = :payload, version = :version, tags = :tags, trace = :trace, blocked = 0, reason = null,
    limit_key = :limit_key, limit_count = :limit_count, rate_key = :rate_key
  where id = :id`

/** One that is scheduled for no time waits for an event, or for another job, and goes on to. */
export const rescheduleJob = `
  update handcar_jobs
  set state = :state, scheduled_at = :scheduled_at, unique_until = :unique_until, fair_key = :fair_key, turn = :turn
  where id = :id and (state <> 'scheduled' or scheduled_at is not null)`

/** The last turn that the waiting jobs of a fair key have. */
export const selectLastTurn = `
  select max(turn) as turn from handcar_jobs indexed by handcar_jobs_for_turns
  where state = 'available' and queue = ? and fair_key = ?`

/** The turn that a queue has come to. */
export const selectTurnOfQueue = `
  select turn from handcar_jobs indexed by handcar_jobs_for_claim
  where state = 'available' and blocked = 0 and queue = ? and priority = ? order by turn limit 1`

export const setTurn = 'update handcar_jobs set turn = ? where id = ?'

const claimedColumns =
  'id, name, queue, priority, turn, version, attempt, max_attempts, claims, crashes, limit_key, limit_count, rate_key, rate_reserved_at, batch_id, parent_id, unique_while, unique_until, unique_key, trace, payload'

export const claimJobs = `
  update handcar_jobs
  set state = 'running', attempt = attempt + 1, claims = claims + 1, attempted_at = ?, worker_id = ?
  where id in (
    select id from handcar_jobs indexed by handcar_jobs_for_claim
    where state = 'available' and blocked = 0 and queue = ?
    order by priority, turn, id limit ?
  )
  returning ${claimedColumns}`

/** The queues that have something to claim: one look into the index for each. */
export const selectQueues = `
  with recursive queues (name) as (
    select min(queue) from handcar_jobs indexed by handcar_jobs_for_claim where state = 'available' and blocked = 0
    union all
    select (
      select min(queue) from handcar_jobs indexed by handcar_jobs_for_claim
      where state = 'available' and blocked = 0 and queue > queues.name
    )
    from queues where queues.name is not null
  )
  select name from queues where name is not null`

/** The queues and the names of jobs that are paused. */
export const selectPauses = 'select kind, name from handcar_job_pauses'

/** A claim is taken back, because the name of the job is paused. */
export const holdJob = `
  update handcar_jobs set state = 'available', blocked = 4, attempt = attempt - 1, worker_id = null where id = ?`

/** Sets aside, of the jobs of a queue that come next, those whose names are paused, so that the claim gets to the others. */
export const holdJobs = `
  update handcar_jobs set blocked = 4
  where id in (
    select id from handcar_jobs indexed by handcar_jobs_for_claim
    where state = 'available' and blocked = 0 and queue = ?
    order by priority, turn, id limit ?
  ) and name in (select name from handcar_job_pauses where kind = 'name')`

/** Whether a name has jobs that were set aside and is not paused any more. */
export const selectHeld = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_unparking
  where state = 'available' and blocked >= 2 and name = ? and blocked = 4
    and name not in (select name from handcar_job_pauses where kind = 'name')
  limit 1`

/** Lets jobs of a name run that were set aside: some, so that the write is short. */
export const releaseHeld = `
  update handcar_jobs set blocked = 0
  where id in (
    select id from handcar_jobs indexed by handcar_jobs_for_unparking
    where state = 'available' and blocked >= 2 and name = ? and blocked = 4 limit ?
  )`

/** Jobs that have completed and leave nothing but that behind; the second parameter is a list of `[id, claims]`. */
export const completeJobs = `
  update handcar_jobs set state = 'completed', finished_at = ?
  from (select value ->> 0 as id, value ->> 1 as claims from json_each(?)) as finished
  where handcar_jobs.id = finished.id and handcar_jobs.claims = finished.claims and state = 'running'`

/** Of the jobs of such a list those that were somebody else's by then. */
export const selectNotCompleted = `
  select value ->> 0 as id from json_each(?) as finished
  where not exists (
    select 1 from handcar_jobs
    where handcar_jobs.id = finished.value ->> 0 and claims = finished.value ->> 1 and state = 'completed'
  )`

/** A job that leaves the state `running`, whatever it has come to. Its unique key is released apart: few jobs have one. */
export const finishJob = `
  update handcar_jobs
  set state = ?, blocked = ?, attempt = attempt - ?, scheduled_at = ?, finished_at = ?, result = ?, reason = ?, crashes = ?,
    rate_reserved_at = null
  where id = ? and claims = ? and state = 'running'`

export const selectAttempts = 'select attempt, crashes from handcar_jobs where id = ? and claims = ?'

/** Whether a job that runs was asked to end. */
export const selectCancelReason = `
  select cancel_reason from handcar_jobs where id = ? and claims = ? and state = 'running' and cancel_reason is not null`

/** A claim that came to nothing: the job has again what the claim took from it, unless another has its key by now. */
export const restoreClaim = `
  update or ignore handcar_jobs set unique_key = ?, rate_reserved_at = ? where id = ?`

export const insertError = `
  insert or ignore into handcar_job_errors (job_id, claim, attempt, started_at, duration, worker, error, stack)
  values (?, ?, ?, ?, ?, ?, ?, ?)`

/** A claim is taken back, because the limit of its key is reached. */
export const blockJob = `
  update handcar_jobs set state = 'available', blocked = 1, attempt = attempt - 1, worker_id = null where id = ?`

/** A claim is taken back, because the rate of its key has no token before some time. */
export const postponeJob = `
  update handcar_jobs
  set state = 'scheduled', attempt = attempt - 1, worker_id = null, scheduled_at = ?, rate_reserved_at = ?
  where id = ?`

/** A claim is taken back, because this process does not know what to do with the job. */
export const parkJob = `
  update handcar_jobs set state = 'available', blocked = 2, attempt = attempt - 1, worker_id = null, reason = ? where id = ?`

/** The names that parked jobs have: one look into the index for each. */
export const selectParkedNames = `
  with recursive names (name) as (
    select min(name) from handcar_jobs indexed by handcar_jobs_for_unparking where state = 'available' and blocked >= 2
    union all
    select (
      select min(name) from handcar_jobs indexed by handcar_jobs_for_unparking
      where state = 'available' and blocked >= 2 and name > names.name
    )
    from names where names.name is not null
  )
  select name from names where name is not null`

export const selectUnparkable = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_unparking
  where state = 'available' and blocked >= 2 and name = ? and blocked = 2 and version <= ? limit 1`

/** Lets jobs of a name run that were parked: some, so that the write is short. `blocked`: as in `handcar_jobs`. */
export const unparkJobs = `
  update handcar_jobs set blocked = 0, reason = null
  where id in (
    select id from handcar_jobs indexed by handcar_jobs_for_unparking
    where state = 'available' and blocked >= 2 and name = :name and blocked = :blocked and version <= :version limit :limit
  )`

export const countUnreadable = `
  select count(*) as count from handcar_jobs indexed by handcar_jobs_for_unparking
  where state = 'available' and blocked >= 2 and name = ? and blocked = 3 and version <= ?`

export const countRunning = `
  select count(*) as running from handcar_jobs indexed by handcar_jobs_for_limit
  where state = 'running' and limit_key is not null and limit_key = ?`

export const selectBlocked = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_unblocking
  where state = 'available' and blocked = 1 and limit_key = ? limit 1`

/** Lets the first blocked jobs of a key run again, in each of the queues that have some: one look into the index for each. */
export const unblockJobs = `
  with recursive queues (name) as (
    select min(queue) from handcar_jobs indexed by handcar_jobs_for_unblocking
    where state = 'available' and blocked = 1 and limit_key = :key
    union all
    select (
      select min(queue) from handcar_jobs indexed by handcar_jobs_for_unblocking
      where state = 'available' and blocked = 1 and limit_key = :key and queue > queues.name
    )
    from queues where queues.name is not null
  )
  update handcar_jobs set blocked = 0
  where id in (
    select value from queues, json_each((
      select json_group_array(id) from (
        select id from handcar_jobs indexed by handcar_jobs_for_unblocking
        where state = 'available' and blocked = 1 and limit_key = :key and queue = queues.name
        order by priority, turn, id limit :free
      )
    ))
    where queues.name is not null
  )`

/** The keys that have blocked jobs, with the limit that their first one was enqueued with. */
export const selectBlockedKeys = `
  with recursive keys (name) as (
    select min(limit_key) from handcar_jobs indexed by handcar_jobs_for_unblocking where state = 'available' and blocked = 1
    union all
    select (
      select min(limit_key) from handcar_jobs indexed by handcar_jobs_for_unblocking
      where state = 'available' and blocked = 1 and limit_key > keys.name
    )
    from keys where keys.name is not null
  )
  select keys.name as limit_key, (
    select name || char(0) || limit_count from handcar_jobs indexed by handcar_jobs_for_unblocking
    where state = 'available' and blocked = 1 and limit_key = keys.name limit 1
  ) as first
  from keys where keys.name is not null`

export const selectRate = 'select next_at from handcar_job_rates where key = ?'

export const setRate = `
  insert into handcar_job_rates (key, next_at) values (?, ?)
  on conflict do update set next_at = excluded.next_at`

/** Jobs whose time has come, the earliest first. */
export const promoteJobs = `
  update handcar_jobs set state = 'available'
  where id in (
    select id from handcar_jobs indexed by handcar_jobs_for_promotion
    where state in ('scheduled', 'retryable') and scheduled_at <= ?
    order by scheduled_at limit ?
  )
  returning id, queue, priority, fair_key`

/** When the next job is due. */
export const selectNextDue = `
  select scheduled_at from handcar_jobs indexed by handcar_jobs_for_promotion
  where state in ('scheduled', 'retryable') and scheduled_at is not null order by scheduled_at limit 1`

/** Whether there is anything to claim in a queue. */
export const selectClaimable = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_claim
  where state = 'available' and blocked = 0 and queue = ? limit 1`

export const insertWorker = `
  insert into handcar_job_workers (pid, boot_id, process_started_at, lock, name, started_at) values (?, ?, ?, ?, ?, ?)`

export const endWorker = 'update handcar_job_workers set stopped_at = ? where id = ?'

export const selectOtherWorkers = `
  select id, pid, lock, name from handcar_job_workers indexed by handcar_job_workers_for_rescue
  where stopped_at is null and id <> ?`

/** The workers of running jobs that are not in the table of those that live. */
export const selectStrayWorkers = `
  select distinct worker_id from handcar_jobs indexed by handcar_jobs_for_rescue
  where state = 'running' and coalesce(worker_id, 0) not in (
    select id from handcar_job_workers indexed by handcar_job_workers_for_rescue where stopped_at is null
  )`

/** Whether a worker is still known. */
export const selectSeat = `
  select 1 from handcar_job_workers where id = ? and lock = ? and stopped_at is null`

export const selectJobsOfWorker = `
  select id, name, queue, attempt, max_attempts, claims, crashes, attempted_at, limit_key, limit_count, rate_key, batch_id,
    unique_while, unique_until, cancel_reason
  from handcar_jobs indexed by handcar_jobs_for_rescue
  where state = 'running' and worker_id is ?`

export const selectCancelledJobs = `
  select id, claims, cancel_reason from handcar_jobs indexed by handcar_jobs_for_cancelling
  where state = 'running' and cancel_reason is not null and worker_id = ?`

export const selectState = 'select state, result, reason from handcar_jobs where id = ?'

export const selectClaim = "select 1 from handcar_jobs where id = ? and claims = ? and state = 'running'"

export const setProgress = `
  update handcar_jobs set progress = ? where id = ? and claims = ? and state = 'running'`

export const insertLog = 'insert into handcar_job_logs (job_id, at, text) values (?, ?, ?)'

/** Leaves the newest lines of a job's log. */
export const trimLog = `
  delete from handcar_job_logs where job_id = :job and id <= (
    select id from handcar_job_logs indexed by handcar_job_logs_for_job
    where job_id = :job order by id desc limit 1 offset :kept
  )`

/** A job that waits is cancelled at once. */
export const cancelWaitingJob = `
  update handcar_jobs set state = 'cancelled', blocked = 0, finished_at = :now, cancel_reason = :reason, reason = :reason,
    unique_key = iif(unique_until > :now, unique_key, null)
  where id = :id and state in ('available', 'scheduled', 'retryable')
  returning id, name, batch_id`

/** How many jobs of a queue run, in all processes: there are never many that run. */
export const countRunningOfQueue = `
  select count(*) as running from handcar_jobs indexed by handcar_jobs_for_rescue where state = 'running' and queue = ?`

/** A job that runs is asked to end. */
export const cancelRunningJob = `
  update handcar_jobs set cancel_reason = ? where id = ? and state = 'running' and cancel_reason is null`

/** The queues that have something to claim, with the age of the job that comes first. */
export const countOfQueues = `
  select queue as name, count(*) as waiting, (
    select created_at from handcar_jobs as first indexed by handcar_jobs_for_claim
    where state = 'available' and blocked = 0 and queue = jobs.queue order by priority, turn, id limit 1
  ) as created_at
  from handcar_jobs as jobs indexed by handcar_jobs_for_claim
  where state = 'available' and blocked = 0 group by queue`

export const countSetAside = `
  select
    (select count(*) from handcar_jobs indexed by handcar_jobs_for_unblocking where state = 'available' and blocked = 1) as blocked,
    (select count(*) from handcar_jobs indexed by handcar_jobs_for_unparking
      where state = 'available' and blocked >= 2 and blocked < 4) as parked,
    (select count(*) from handcar_jobs indexed by handcar_jobs_for_unparking
      where state = 'available' and blocked >= 2 and blocked = 4) as paused`

export const countScheduled = `
  select count(*) as count from handcar_jobs indexed by handcar_jobs_for_promotion
  where state in ('scheduled', 'retryable')`

export const countRunningJobs = `
  select count(*) as count from handcar_jobs indexed by handcar_jobs_for_rescue where state = 'running'`

export const countFinished = `
  select count(*) as count from handcar_jobs indexed by handcar_jobs_for_pruning where finished_at is not null`

export const countDiscarded = `
  select count(*) as count from handcar_jobs indexed by handcar_jobs_for_pruning
  where finished_at is not null and state = 'discarded'`

/** The priorities that wait in a queue, with the job that comes first in each: one look into the index for each. */
export const selectPriorities = `
  with recursive priorities (priority) as (
    select min(priority) from handcar_jobs indexed by handcar_jobs_for_claim
    where state = 'available' and blocked = 0 and queue = :queue
    union all
    select (
      select min(priority) from handcar_jobs indexed by handcar_jobs_for_claim
      where state = 'available' and blocked = 0 and queue = :queue and priority > priorities.priority
    )
    from priorities where priorities.priority is not null
  )
  select priority, (
    select max(created_at, coalesce(scheduled_at, 0)) from handcar_jobs indexed by handcar_jobs_for_claim
    where state = 'available' and blocked = 0 and queue = :queue and priority = priorities.priority order by turn, id limit 1
  ) as since
  from priorities where priority is not null`

/** Like `claimJobs`, of one priority. */
export const claimJobOfPriority = `
  update handcar_jobs
  set state = 'running', attempt = attempt + 1, claims = claims + 1, attempted_at = ?, worker_id = ?
  where id in (
    select id from handcar_jobs indexed by handcar_jobs_for_claim
    where state = 'available' and blocked = 0 and queue = ? and priority = ?
    order by turn, id limit 1
  )
  returning ${claimedColumns}`

export const selectTables = "select 1 from sqlite_schema where name = 'handcar_jobs'"

/** A worker that ended long ago is forgotten. */
export const deleteWorkers = 'delete from handcar_job_workers where stopped_at < ?'

export const selectOldWorkers = 'select 1 from handcar_job_workers where stopped_at < ? limit 1'

export const hasRunningJobs = `
  select 1 from handcar_jobs indexed by handcar_jobs_for_rescue where state = 'running' and worker_id = ? limit 1`

// After the database has gone back to an earlier state

/**
 * What was claimed between that state and now had the numbers that come next. They must not be given again: to whatever remembers the
 * largest one it has seen, the new claims would be old ones.
 */
export const skipClaims = 'update handcar_jobs set claims = claims + 1000000'

const countedTables = `'["handcar_jobs", "handcar_job_events", "handcar_job_workers", "handcar_job_batches"]'`

/** A table that has never had a row has no place in SQLite's list of the last ids. */
export const beginIds = `
  insert into sqlite_sequence (name, seq)
  select value, 0 from json_each(${countedTables}) where value not in (select name from sqlite_sequence)`

/** The ids of jobs that are not there any more stand in logs, in keys, and in the app's other databases. */
export const skipIds = `
  update sqlite_sequence set seq = seq + 1000000000 where name in (select value from json_each(${countedTables}))`
