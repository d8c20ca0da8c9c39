/** The statements of recurring jobs. */

const settings = 'job, schedule, time_zone, payload, jitter, overlap, missed, queue, priority'
const columns = `name, ${settings}, code, paused_at, ticked_until, next_at, last_at, last_job_id`

export const selectRecurring = `select ${columns} from handcar_job_recurring where name = ?`

export const selectAllRecurring = `select ${columns} from handcar_job_recurring order by name`

export const selectNamesOfRecurring = 'select name from handcar_job_recurring order by name'

/** What is due, the earliest first: of the jobs that this process has, and of its own code or made at run time. */
export const selectDueRecurring = `
  select ${columns} from handcar_job_recurring indexed by handcar_job_recurring_for_tick
  where paused_at is null and next_at is not null and next_at <= :now
    and job in (select value from json_each(:jobs))
    and (code is null or name in (select value from json_each(:names)))
  order by next_at limit :limit`

/** When the next tick is, of the same. */
export const selectNextTick = `
  select next_at from handcar_job_recurring indexed by handcar_job_recurring_for_tick
  where paused_at is null and next_at is not null
    and job in (select value from json_each(:jobs))
    and (code is null or name in (select value from json_each(:names)))
  order by next_at limit 1`

/** What was ticked at a time that has not come: the clock was set back. */
export const selectTickedInFuture = `
  select name, schedule, time_zone from handcar_job_recurring where ticked_until > ?`

export const replaceRecurring = `
  insert or replace into handcar_job_recurring (${columns})
  values (:name, :job, :schedule, :time_zone, :payload, :jitter, :overlap, :missed, :queue, :priority, :code, :paused_at,
    :ticked_until, :next_at, :last_at, :last_job_id)`

export const deleteRecurring = 'delete from handcar_job_recurring where name = ?'

export const setPlan = 'update handcar_job_recurring set ticked_until = ?, next_at = ? where name = ?'

export const setTicked = `
  update handcar_job_recurring set ticked_until = ?, next_at = ?, last_at = ?, last_job_id = ? where name = ?`

export const setLastJob = 'update handcar_job_recurring set last_job_id = ? where name = ?'

export const pauseRecurring = `
  update handcar_job_recurring set paused_at = coalesce(paused_at, ?) where name = ?`

export const resumeRecurring = `
  update handcar_job_recurring set paused_at = null, ticked_until = ?, next_at = ? where name = ? and paused_at is not null`

export const selectTick = 'select 1 from handcar_job_ticks where name = ? and tick_at = ?'

export const insertTick = 'insert into handcar_job_ticks (name, tick_at, job_id, skipped) values (?, ?, ?, ?)'

export const selectTicks = `
  select tick_at, job_id, skipped from handcar_job_ticks where name = ? order by tick_at desc limit ?`

export const selectUnfinishedJob = 'select 1 from handcar_jobs where id = ? and finished_at is null'
