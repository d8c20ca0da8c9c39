import assert from 'node:assert/strict'
import type { Database } from '../../src/database/index.ts'
import { limits } from './jobs-tree-app.ts'

interface Run {
  job: number
  claim: number
  queue: string
  key: string | null
  pid: number
  begun: number
  ended: number | null
}

interface Interval extends Run {
  until: number
}

/**
 * Checks the history that the jobs have left: what must be true whoever was killed, and whenever.
 *
 * @param acknowledged Ids of jobs whose enqueue was answered.
 * @param killed When processes were killed: until then at least their jobs ran.
 */
export function auditJobs(
  database: Database,
  acknowledged: readonly number[],
  killed: ReadonlyMap<number, number>,
): void {
  const count = (text: string): number => database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n
  const none = (what: string, text: string): void => assert.deepEqual(database.all(text), [], what)

  const ids = new Set(database.all<{ id: number }>('select id from handcar_jobs').map(({ id }) => id))
  assert.deepEqual(
    acknowledged.filter((id) => !ids.has(id)),
    [],
    'jobs that were acknowledged and are gone',
  )
  none(
    'jobs that have not completed',
    "select id, state, reason from handcar_jobs where state <> 'completed'",
  )
  none(
    'completed jobs that never ran',
    'select id from handcar_jobs where id not in (select job from runs where ended is not null)',
  )
  none('jobs without their effect', 'select id from handcar_jobs where id not in (select job from effects)')
  none('effects without a job', 'select job from effects where job not in (select id from handcar_jobs)')
  none(
    'two holders of one token',
    "select * from handcar_job_errors where error like '%UNIQUE%' or error like '%constraint%'",
  )
  none('enqueues without their transaction', 'select 1 from orders group by id having count(*) > 1')
  assert.equal(
    count("handcar_jobs where name = 'stepped'"),
    count('orders'),
    'a transaction that was cut in two',
  )

  const runs = database.all<Run>('select * from runs order by begun')
  const intervals = runs.map((run) => ({ ...run, until: run.ended ?? killed.get(run.pid) ?? run.begun }))
  assertOneAtATime(intervals)
  for (const [key, of] of Map.groupBy(intervals, ({ key }) => key))
    if (key !== null) assertLimit(`the key "${key}"`, of, limits.key)
  assertLimit(
    'the queue "mail"',
    intervals.filter(({ queue }) => queue === 'mail'),
    limits.mail,
  )

  const ticks = database.all<{ tick_at: number; job_id: number }>(
    'select tick_at, job_id from handcar_job_ticks order by tick_at',
  )
  ticks.forEach(({ tick_at: at }, index) => {
    if (index > 0) assert.equal(at - ticks[index - 1]!.tick_at, 1_000, 'each tick once, and none left out')
  })
  assert.ok(ticks.length > 0)
  assert.deepEqual(
    ticks.map(({ job_id: id }) => id).toSorted((a, b) => a - b),
    database
      .all<{ id: number }>("select id from handcar_jobs where name = 'tick' order by id")
      .map(({ id }) => id),
    'each tick has one job',
  )

  none(
    'batches that were not closed once',
    "select id, state, closings from handcar_job_batches where state <> 'completed' or closings <> 1",
  )
  none(
    'batches closed before their end',
    `
    select batch.id from handcar_job_batches as batch
    where (select count(*) from handcar_jobs where batch_id = batch.id) <> 3`,
  )
  assert.equal(
    count('(select distinct job from closings)'),
    count('handcar_job_batches'),
    'one callback each',
  )
  assert.equal(count("handcar_jobs where name = 'closed'"), count('handcar_job_batches'))

  none(
    'steps that are not there twice',
    `
    select id from handcar_jobs where name = 'stepped' and (select count(*) from steps where job = id) <> 2`,
  )
  none('blocked jobs', 'select id from handcar_jobs where blocked <> 0')
  assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
  assert.deepEqual(database.all('pragma foreign_key_check'), [])
}

/** The attempts of a job come one after the other. */
function assertOneAtATime(intervals: readonly Interval[]): void {
  for (const [job, of] of Map.groupBy(intervals, ({ job }) => job)) {
    const attempts = of.toSorted((a, b) => a.claim - b.claim)
    attempts.forEach(({ begun }, index) => {
      const before = attempts[index - 1]
      assert.ok(
        before === undefined || before.until <= begun,
        `two attempts of job ${job} at once: ${JSON.stringify(of)}`,
      )
    })
  }
}

/** At no instant do more of them run than the limit. */
function assertLimit(what: string, intervals: readonly Interval[], limit: number): void {
  const changes = intervals
    .flatMap(({ begun, until }) => [
      { at: begun, by: 1 },
      { at: until, by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by)
  let running = 0
  for (const { at, by } of changes) {
    running += by
    assert.ok(running <= limit, `${running} of ${what} ran at ${at}, of ${limit} that may`)
  }
}
