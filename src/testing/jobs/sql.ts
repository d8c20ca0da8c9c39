/** The statements of the helpers for jobs; a test has few rows. */

/** The jobs that have not ended, and maybe of one name. */
export const selectEnqueued = `
  select id, name, queue, priority, state, payload, tags, scheduled_at from handcar_jobs
  where finished_at is null and (:name is null or name = :name) order by id`

/** The job that would be performed next, and maybe of one name. */
export const selectNext = `
  select id, queue from handcar_jobs
  where (:name is null or name = :name)
    and (state = 'available' and blocked = 0 or state in ('scheduled', 'retryable') and scheduled_at <= :now)
  order by priority, turn, id limit 1`

export const takeJob = `
  update handcar_jobs set queue = ?, state = 'available', blocked = 0 where id = ?`

export const returnJob = 'update handcar_jobs set queue = ? where id = ?'

export const selectPerformed = 'select state, attempt, result, reason from handcar_jobs where id = ?'

/** When the next job is due, and when the next recurring job of a list of job names ticks. */
export const selectNextTimes = `
  select
    (select min(scheduled_at) from handcar_jobs where state in ('scheduled', 'retryable')) as job,
    (select min(next_at) from handcar_job_recurring
      where paused_at is null and job in (select value from json_each(?))) as tick`
