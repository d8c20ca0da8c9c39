import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { mock, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Database } from '../../database/index.ts'
import { FakeClock, temporaryDatabase } from '../../testing/index.ts'
import { defineJob, defineRecurring, Jobs, type JobsOptions } from '../index.ts'

const day = 86_400_000
const now = Date.UTC(2026, 0, 31)
const mb = 1_024 ** 2

const quick = defineJob({ name: 'quick', perform: () => undefined })

/** Jobs of a state that have ended, one each `step` milliseconds up to `until`. */
function insertEnded(
  database: Database,
  state: string,
  count: number,
  { until = now, step = day, payload = 'null' } = {},
) {
  return database.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
    insert into handcar_jobs (name, queue, state, created_at, finished_at, payload)
    select 'quick', 'default', :state, :until - i * :step, :until - i * :step, :payload from n`,
    { count, state, until, step, payload },
  )
}

const countOf = (database: Database, text: string): number =>
  database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n

const statesOf = (database: Database): Record<string, number> =>
  Object.fromEntries(
    database
      .all<{ state: string; n: number }>(
        'select state, count(*) as n from handcar_jobs group by state order by state',
      )
      .map(({ state, n }) => [state, n]),
  )

const withJobs = (options: Partial<JobsOptions> = {}) =>
  jobsForTest([quick], { clock: new FakeClock(now), work: { queues: ['none'] }, ...options })

test('by default, completed jobs are kept for 7 days, discarded and cancelled ones for 30', async () => {
  await using context = await withJobs()
  const { jobs, database } = context
  for (const state of ['completed', 'discarded', 'cancelled']) await insertEnded(database, state, 60)
  await insertEnded(database, 'completed', 1_000, { until: now - 20 * day, step: 1 })
  await jobs.enqueue(quick)
  const report = await jobs.prune()
  assert.deepEqual(statesOf(database), { available: 1, cancelled: 29, completed: 6, discarded: 29 })
  assert.equal(report.jobs, 1_000 + 54 + 31 + 31)
  assert.deepEqual(await jobs.prune(), { jobs: 0, batches: 0, ticks: 0, bytes: 0 })
})

test('by number, by state', async () => {
  await using context = await withJobs({
    retention: { completed: { count: 5, age: false }, discarded: { count: 0 }, cancelled: false },
  })
  const { jobs, database } = context
  for (const state of ['completed', 'discarded', 'cancelled']) await insertEnded(database, state, 40)
  await jobs.prune()
  assert.deepEqual(statesOf(database), { cancelled: 40, completed: 5 })
  assert.equal(
    database.get<{ at: number }>("select min(finished_at) as at from handcar_jobs where state = 'completed'")!
      .at,
    now - 5 * day,
  )
})

test('by number, of jobs that ended in the same moment', async () => {
  await using context = await withJobs({ retention: { completed: { count: 700 } } })
  await insertEnded(context.database, 'completed', 2_000, { step: 0 })
  await context.jobs.prune()
  assert.deepEqual(context.database.get('select count(*) as n, min(id) as first from handcar_jobs'), {
    n: 700,
    first: 1_301,
  })
})

for (const readers of [false, {}] as const) {
  test(`by size, together with errors, logs and steps, ${readers ? 'with' : 'without'} reader processes`, async () => {
    await using database = await temporaryDatabase({ partMigrations: { jobs: Jobs.migrations }, readers })
    await using context = await withJobs({ database, retention: { completed: { size: '1mb', age: false } } })
    const { jobs } = context
    const payload = JSON.stringify('x'.repeat(900))
    await insertEnded(database, 'completed', 1_000, { payload, step: 1_000 })
    await jobs.prune()
    assert.equal(countOf(database, 'handcar_jobs'), 1_000, 'that is not too much')
    await insertEnded(database, 'completed', 100, { payload, until: now + day / 2, step: 1_000 })
    await jobs.prune()
    const kept = countOf(database, 'handcar_jobs')
    assert.ok(kept > 900 && kept < 950, `${kept} are kept: nine tenths of the limit`)
    // One with a long log counts as much as that.
    const latest = database.get<{ id: number }>(
      'select id from handcar_jobs order by finished_at desc, id desc limit 1',
    )!.id
    await database.run('insert into handcar_job_logs (job_id, at, text) values (?, 0, ?)', [
      latest,
      'x'.repeat(500_000),
    ])
    await insertEnded(database, 'completed', 200, { payload, until: now + day, step: 1_000 })
    await jobs.prune()
    const left = countOf(database, 'handcar_jobs')
    assert.ok(left > 400 && left < 480, `${left} are kept`)
    assert.equal(countOf(database, `handcar_jobs where id = ${latest}`), 1)
  })
}

test('a job that is still needed is kept: its batch goes on, somebody waits for it, it holds a unique key', async () => {
  await using context = await withJobs()
  const { jobs, database } = context
  await database.write((tx) => {
    tx.run(
      'insert into handcar_job_batches (id, parent_id, state, created_at, finished_at) values (1, null, ?, 0, null)',
      ['open'],
    )
    tx.run(
      'insert into handcar_job_batches (id, parent_id, state, created_at, finished_at) values (2, 1, ?, 0, ?)',
      ['open', null],
    )
    tx.run(
      'insert into handcar_job_batches (id, parent_id, state, created_at, finished_at) values (3, null, ?, 0, null)',
      ['open'],
    )
    const insert = `insert into handcar_jobs (id, name, queue, state, created_at, finished_at, batch_id, unique_key, unique_until)
      values (?, 'quick', 'default', 'completed', 0, ?, ?, ?, ?)`
    tx.run(insert, [1, 1, 1, null, null])
    tx.run(insert, [2, 1, 2, null, null])
    tx.run(insert, [3, 1, 3, null, null])
    tx.run(insert, [4, 1, null, 'key', now + 1])
    tx.run(insert, [5, 1, null, 'old key', now - 1])
    tx.run(insert, [6, 1, null, null, null])
    tx.run(insert, [7, null, null, null, null])
    tx.run("update handcar_jobs set state = 'scheduled' where id = 7")
    tx.run("insert into handcar_job_dependencies (job_id, needs, needs_id) values (7, 'job', 6)")
    tx.run(
      "update handcar_job_batches set state = 'completed', pending = 0, finished_at = 2 where id in (2, 3)",
    )
  })
  const ids = () =>
    database.all<{ id: number }>('select id from handcar_jobs order by id').map(({ id }) => id)
  await jobs.prune()
  // 3 was in a batch that was done long ago; 5 holds its key no longer.
  assert.deepEqual(ids(), [1, 2, 4, 6, 7])
  assert.deepEqual(database.all('select id from handcar_job_batches'), [{ id: 1 }, { id: 2 }])
  await database.write((tx) => {
    tx.run("update handcar_job_batches set state = 'completed', pending = 0, finished_at = ? where id = 1", [
      now - day,
    ])
    tx.run("update handcar_jobs set state = 'completed', finished_at = ? where id = 7", [now])
  })
  await jobs.prune()
  assert.deepEqual(ids(), [1, 2, 4, 7], 'the batch around was done only yesterday')
  await database.run('update handcar_job_batches set finished_at = 3 where id = 1')
  await jobs.prune()
  assert.deepEqual(ids(), [4, 7])
  await jobs.prune()
  assert.equal(countOf(database, 'handcar_job_batches'), 0)
})

test('a real batch: its jobs are kept until its callback has read their results', async () => {
  const clock = new FakeClock(now)
  const member = defineJob({ name: 'member', perform: (n: number) => n })
  const report = defineJob({ name: 'report', queue: 'later', perform: () => undefined })
  await using context = await jobsForTest([member, report], { clock, work: { queues: ['default'] } })
  const { jobs, database } = context
  await jobs.batch({ onFinish: report }, (batch) => {
    batch.enqueueAll(member, [1, 2, 3])
  })
  await waitUntil(
    'the members have run',
    () => countOf(database, "handcar_jobs where state = 'completed'") === 3,
  )
  await waitUntil(
    'the callback waits',
    () => countOf(database, "handcar_jobs where state = 'available'") === 1,
  )
  clock.advance(100 * day)
  await jobs.prune()
  assert.equal(countOf(database, 'handcar_jobs'), 4)
  await database.run(
    "update handcar_jobs set state = 'completed', finished_at = ? where state = 'available'",
    [now + day],
  )
  await jobs.prune()
  assert.equal(countOf(database, 'handcar_jobs'), 0)
})

test('a job with very many lines of log and errors goes in small slices, and so do very many jobs', async () => {
  await using context = await withJobs()
  const { jobs, database } = context
  await insertEnded(database, 'completed', 1, { until: 1_000, step: 0 })
  for (const table of [
    'handcar_job_logs (job_id, at, text)',
    'handcar_job_errors (job_id, claim, attempt, started_at, duration, error)',
  ])
    await database.run(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
      insert into ${table} select 1, ${table.includes('logs') ? "0, 'line'" : "i, i, 0, 0, 'error'"} from n`,
    )
  await insertEnded(database, 'completed', 20_000, { until: 1_000, step: 0 })
  const before = database.stats().writes
  const turns = countTurns()
  const { jobs: pruned } = await jobs.prune()
  assert.equal(pruned, 20_001)
  const writes = database.stats().writes.committed - before.committed
  assert.ok(writes > 50, `in ${writes} writes`)
  assert.ok(turns.stop() > 50, 'others had their turns between')
  for (const table of ['handcar_jobs', 'handcar_job_logs', 'handcar_job_errors'])
    assert.equal(countOf(database, table), 0)
})

function countTurns() {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  turn()
  return {
    stop: () => {
      isOver = true
      return turns
    },
  }
}

test('ticks are kept for 30 days, and the last 10,000; rates that would allow everything go', async () => {
  await using context = await withJobs()
  const { jobs, database } = context
  const insert = (name: string, count: number, step: number) =>
    database.run(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
      insert into handcar_job_ticks (name, tick_at) select ?, ? - i * ? from n`,
      [count, name, now, step],
    )
  await insert('often', 10_500, 1_000)
  await insert('daily', 100, day)
  await insert('seldom', 3, 20 * day)
  await database.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
    insert into handcar_job_rates (key, next_at) select 'key' || i, ? + iif(i % 100 = 0, 5, -5) from n`,
    [now],
  )
  assert.equal((await jobs.prune()).ticks, 500 + 71 + 2)
  const left = database.all('select name, count(*) as n from handcar_job_ticks group by name')
  assert.deepEqual(left, [
    { name: 'daily', n: 29 },
    { name: 'often', n: 10_000 },
    { name: 'seldom', n: 1 },
  ])
  assert.equal(countOf(database, 'handcar_job_rates'), 12)
})

test('the file shrinks back', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = new Database({
    path,
    durability: 'os',
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await database.start()
  await using context = await withJobs({ database })
  const { jobs } = context
  const payload = JSON.stringify('x'.repeat(2_000))
  await insertEnded(database, 'completed', 4_000, { payload, until: now - 10 * day, step: 1 })
  await waitUntil('the file is large', () => statSync(path).size > 8 * mb)
  const { bytes } = await jobs.prune()
  assert.ok(bytes > 6 * mb, `${bytes} bytes`)
  await waitUntil('the file is small', async () => {
    await insertEnded(database, 'completed', 300, { payload, until: now + day, step: 1 })
    await jobs.enqueueAll(
      quick,
      Array.from({ length: 100 }, () => undefined),
    )
    await database.run('delete from handcar_jobs')
    await sleep(100)
    return statSync(path).size < 4 * mb
  })
  assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
})

test('it looks by itself every few minutes, and writes nothing when there is nothing to delete', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    await using context = await withJobs()
    const { database, jobs } = context
    await jobs.prune()
    const before = database.stats().writes.committed
    await jobs.prune()
    assert.equal(database.stats().writes.committed, before)
    await insertEnded(database, 'completed', 20)
    mock.timers.tick(300_000)
    await waitUntil('it has looked', () => countOf(database, 'handcar_jobs') === 6)
  } finally {
    mock.timers.reset()
  }
})

test('what fails is told, and tried again at the next look; a stop ends it between two slices', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    await using context = await withJobs()
    const { database, jobs, logger } = context
    await insertEnded(database, 'completed', 20)
    await database.run(
      "create trigger refuse before delete on handcar_jobs begin select raise(abort, 'no') end".replace(
        ') end',
        '); end',
      ),
    )
    mock.timers.tick(300_000)
    await waitUntil('it is told', () =>
      logger.lines.some(({ message }) => message === 'old jobs could not be deleted'),
    )
    await database.run('drop trigger refuse')
    await insertEnded(database, 'completed', 6_000, { until: now - 10 * day, step: 1 })
    mock.timers.tick(300_000)
    await waitUntil('it has begun', () => countOf(database, 'handcar_jobs') < 6_020)
    await jobs.stop({ timeout: 500 })
    assert.ok(countOf(database, 'handcar_jobs') > 6)
    await jobs.start()
    mock.timers.tick(300_000)
    await waitUntil('it is done', () => countOf(database, 'handcar_jobs') === 6, 60_000)
  } finally {
    mock.timers.reset()
  }
})

test('retention: false keeps everything', async () => {
  await using context = await withJobs({ retention: false })
  await insertEnded(context.database, 'completed', 100)
  assert.deepEqual(await context.jobs.prune(), { jobs: 0, batches: 0, ticks: 0, bytes: 0 })
  assert.equal(countOf(context.database, 'handcar_jobs'), 100)
})

test('a tick does not make a second job because the first one was pruned', async () => {
  const clock = new FakeClock(now)
  const recurring = [defineRecurring({ name: 'r', job: quick, every: '1m', overlap: 'allow' })]
  await using context = await jobsForTest([], { clock, recurring, retention: { completed: { age: 0 } } })
  const { database, jobs } = context
  clock.advance(60_000)
  await waitUntil('it has run', () => countOf(database, "handcar_jobs where state = 'completed'") === 1)
  clock.advance(1)
  await jobs.prune()
  assert.equal(countOf(database, 'handcar_jobs'), 0)
  clock.set(now)
  await jobs.recurring.edit('r', { jitter: 0 })
  await waitUntil('the clock is noticed', () => clock.nextTimer === now + 60_000)
  clock.advance(60_000)
  await waitUntil('the next one is planned', () => clock.nextTimer === now + 120_000)
  assert.equal(countOf(database, 'handcar_jobs'), 0)
})

test('options that are refused', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  for (const retention of [
    true,
    '7d',
    { completed: true },
    { completed: { age: -1 } },
    { completed: { count: -1 } },
    { completed: { count: 1.5 } },
    { completed: { size: 'much' } },
    { failed: {} },
    { completed: { ages: 1 } },
  ])
    assert.throws(() => new Jobs({ database, retention: retention as never }), { code: /^HANDCAR_OPTION_/ })
})

test('full buckets of rates go also where all jobs are kept', async () => {
  const job = defineJob({
    name: 'job',
    rate: { key: (n: number) => String(n), count: 1, per: 1 },
    perform: () => {},
  })
  await using context = await jobsForTest([job], { retention: false })
  const { jobs, database } = context
  await jobs.enqueueAll(job, [1, 2, 3])
  await jobs.drain()
  const rates = async (): Promise<number> => {
    await jobs.prune()
    return database.all('select key from handcar_job_rates').length
  }
  await waitUntil('they are full and gone', async () => (await rates()) === 0)
  assert.equal((await jobs.stats()).finished, 3)
})
