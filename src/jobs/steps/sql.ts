/** The statements of steps and events. A step is one row, from when it is begun until its job is deleted. */

export const selectStep = `
  select kind, state, tries, wake_at, key, event, error, result from handcar_job_steps where job_id = ? and name = ?`

/** Written before a step is run: how often it was begun, and the key that all its tries have. */
export const beginStep = `
  insert into handcar_job_steps (job_id, name, kind, state, tries, started_at, key) values (?, ?, 'step', 'running', 1, ?, ?)
  on conflict do update set state = 'running', tries = tries + 1, started_at = excluded.started_at, wake_at = null
  returning tries, key`

export const finishStep = `
  update handcar_job_steps set state = 'done', result = ?, finished_at = ?, error = null where job_id = ? and name = ?`

/** A step that is tried again at `wake_at`, or that has failed for good. */
export const failStep = `
  update handcar_job_steps set state = ?, error = ?, wake_at = ?, finished_at = ? where job_id = ? and name = ?`

/** The record of a write; it commits with what was written. */
export const insertWrite = `
  insert into handcar_job_steps (job_id, name, kind, state, tries, started_at, finished_at, result)
  values (?, ?, 'write', 'done', 1, ?, ?, ?)`

export const insertSleep = `
  insert into handcar_job_steps (job_id, name, kind, state, started_at, finished_at, wake_at) values (?, ?, 'sleep', ?, ?, ?, ?)`

/** The job waits for an event from now on; `heard` is the last one of that name that it has heard already. */
export const putWait = `
  insert into handcar_job_steps (job_id, name, kind, state, started_at, wake_at, event, heard)
  values (?, ?, 'wait', 'waiting', ?, ?, ?, ?)
  on conflict do update set event = excluded.event, heard = excluded.heard`

/** A sleep or a wait is over. */
export const endWait = `
  update handcar_job_steps set state = 'done', result = ?, heard = ?, finished_at = ? where job_id = ? and name = ?`

export const saveCursor = `
  insert into handcar_job_steps (job_id, name, kind, state, started_at, finished_at, result) values (?, ?, 'cursor', 'running', ?, ?, ?)
  on conflict do update set tries = tries + 1, finished_at = excluded.finished_at, result = excluded.result
  where result <> excluded.result`

/** A job that has come further begins to count its attempts anew. */
export const countAttemptsAnew =
  'update handcar_jobs set attempt = 1, crashes = 0 where id = ? and (attempt > 1 or crashes > 0)'

/** Whether one of the steps that a job is suspended for is done. */
export const selectDoneStep = `
  select 1 from handcar_job_steps where job_id = ? and name in (select value from json_each(?)) and state = 'done' limit 1`

/** The last event of a name that a job has heard. */
export const selectHeard = 'select max(heard) as heard from handcar_job_steps where job_id = ? and event = ?'

/** The first event of a name that was emitted after a job was enqueued and after the one that it heard last. */
export const selectEvent = `
  select id, payload from handcar_job_events indexed by handcar_job_events_for_wait
  where event = :event and id > :heard
    and (after_job, id) > (coalesce((select after_job from handcar_job_events where id = :heard), :job), :heard)
  order by after_job, id limit 1`

/** Jobs have ids in the order of their enqueues, also after a restore and whatever the clock does. */
export const insertEvent = `
  insert into handcar_job_events (event, after_job, emitted_at, expires_at, is_delivering, payload)
  values (?, coalesce((select max(id) from handcar_jobs), 0), ?, ?, ?, ?)
  returning id, event, after_job, payload`

export const selectUndelivered = `
  select id, event, after_job, payload from handcar_job_events indexed by handcar_job_events_for_delivery
  where is_delivering = 1 order by event, id limit 1`

export const selectUndeliveredOfName = `
  select 1 from handcar_job_events indexed by handcar_job_events_for_delivery where is_delivering = 1 and event = ? limit 1`

export const setDelivering = 'update handcar_job_events set is_delivering = ? where id = ?'

/** The steps that wait for an event and have not heard it. */
export const selectWaiting = `
  select job_id, name from handcar_job_steps indexed by handcar_job_steps_for_event
  where state = 'waiting' and event = :event and job_id <= :after_job and heard < :id order by job_id limit :limit`

/** A job that sleeps is due now. */
export const wakeJob = `
  update handcar_jobs set scheduled_at = :now
  where id = :id and state = 'scheduled' and (scheduled_at is null or scheduled_at > :now)`

export const deleteExpiredEvents = `
  delete from handcar_job_events where id in (
    select id from handcar_job_events indexed by handcar_job_events_for_pruning
    where expires_at <= ? and is_delivering = 0 order by expires_at limit ?
  )`

/** Jobs that have completed and are to run again forget what they did. */
export const forgetSteps = `
  delete from handcar_job_steps
  where job_id in (select id from handcar_jobs where id in (select value from json_each(?)) and state = 'completed')`

/** Steps that have failed for good are tried again. */
export const forgetFailures = `
  update handcar_job_steps set state = 'retrying', tries = 0, wake_at = 0, error = null, finished_at = null
  where job_id in (select value from json_each(?)) and state = 'failed'`
