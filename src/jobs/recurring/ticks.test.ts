import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Database } from '../../database/index.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob, defineRecurring, Jobs, type RecurringOptions } from '../index.ts'

const minute = 60_000
const noon = Date.UTC(2026, 0, 1, 12)

const quick = defineJob({ name: 'quick', perform: () => undefined })
const withText = defineJob({ name: 'with-text', perform: (text: string) => text })

/** The ticks of a recurring job, as minutes after noon. */
function ticksOf(database: Database, name = 'r'): number[] {
  return rowsOf(database, name).map(({ tick_at }) => (tick_at - noon) / minute)
}

function rowsOf(database: Database, name = 'r') {
  return database.all<{ tick_at: number; job_id: number | null; skipped: string | null }>(
    'select tick_at, job_id, skipped from handcar_job_ticks where name = ? order by tick_at',
    [name],
  )
}

const countOf = (database: Database, text: string): number =>
  database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n

const everyMinute = (options: Partial<RecurringOptions<undefined, unknown>> = {}) =>
  defineRecurring({ name: 'r', job: quick, every: '1m', ...options })

/** Waits until everything that is due has been ticked and the timer is set for what is not. */
async function settle(database: Database, clock: FakeClock): Promise<void> {
  await waitUntil('everything due is ticked', () => {
    const next = database.get<{ next_at: number }>(
      'select next_at from handcar_job_recurring where paused_at is null order by next_at',
    )
    return next === undefined || (next.next_at > clock.now() && clock.nextTimer === next.next_at)
  })
}

async function openFile(path: string): Promise<Database> {
  const database = new Database({
    path,
    durability: 'os',
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await database.start()
  return database
}

test('each tick makes one job, by one timer', async () => {
  const clock = new FakeClock(noon + 30_000)
  await using context = await jobsForTest([], { clock, recurring: [everyMinute({ every: '5m' })] })
  const { database } = context
  assert.equal(clock.nextTimer, noon + 5 * minute)
  for (let count = 1; count <= 3; count++) {
    clock.set(noon + 5 * minute * count)
    await settle(database, clock)
    await waitUntil(
      'the job is done',
      () => countOf(database, "handcar_jobs where state = 'completed'") === count,
    )
  }
  assert.deepEqual(ticksOf(database), [5, 10, 15])
  assert.deepEqual(
    rowsOf(database).map(({ job_id }) => job_id),
    [1, 2, 3],
  )
})

test('of several processes on one file, each tick is done once', async () => {
  using folder = temporaryFolder()
  const clock = new FakeClock(noon)
  const path = folder.file('app.sqlite3')
  const names = Array.from({ length: 10 }, (_, index) => `r${index}`)
  const recurring = names.map((name) => everyMinute({ name, overlap: 'allow' }))
  const databases = [await openFile(path), await openFile(path), await openFile(path)]
  const contexts = await Promise.all(
    databases.map((database) => jobsForTest([], { clock, database, recurring })),
  )
  try {
    for (let count = 1; count <= 20; count++) {
      clock.set(noon + count * minute)
      await settle(databases[0]!, clock)
    }
    for (const name of names)
      assert.deepEqual(
        ticksOf(databases[0]!, name),
        Array.from({ length: 20 }, (_, index) => index + 1),
      )
    await waitUntil(
      'the jobs are done',
      () => countOf(databases[0]!, "handcar_jobs where state = 'completed'") === 200,
    )
    assert.equal(countOf(databases[0]!, 'handcar_jobs'), 200)
    assert.equal(countOf(databases[0]!, '(select distinct job_id from handcar_job_ticks)'), 200)
  } finally {
    for (const context of contexts) await context[Symbol.asyncDispose]()
    for (const database of databases) await database.stop()
  }
})

test('after a restart the ticks go on; what was missed is caught up as its policy says', async () => {
  using folder = temporaryFolder()
  const clock = new FakeClock(noon)
  const path = folder.file('app.sqlite3')
  const recurring = [
    everyMinute({ name: 'skip', missed: 'skip' }),
    everyMinute({ name: 'one' }),
    everyMinute({ name: 'all', missed: { all: 3 } }),
    everyMinute({ name: 'far', missed: { all: 1_000 }, every: '2m' }),
  ]
  await using database = await openFile(path)
  const run = async (until: number) => {
    await using context = await jobsForTest([], { clock, database, recurring })
    await settle(context.database, clock)
    clock.set(noon + until * minute)
    await settle(context.database, clock)
  }
  await run(2)
  clock.set(noon + 10 * minute + 30_000)
  await run(11)
  assert.deepEqual(ticksOf(database, 'one'), [2, 10, 11])
  assert.deepEqual(ticksOf(database, 'all'), [1, 2, 8, 9, 10, 11])
  assert.deepEqual(ticksOf(database, 'far'), [2, 4, 6, 8, 10])
  assert.deepEqual(ticksOf(database, 'skip'), [2, 10, 11])
  // More than a minute late, it was missed.
  clock.set(noon + 12 * minute + 59_000)
  await database.run(
    "update handcar_job_recurring set schedule = 'every 3600000', next_at = ? where name = 'skip'",
    [noon + 12 * minute],
  )
  await run(13)
  assert.equal(ticksOf(database, 'skip').length, 3)
})

test('a tick makes no job while the one before has not ended, unless that is allowed', async () => {
  const clock = new FakeClock(noon)
  let end = (): void => {}
  const slow = defineJob({
    name: 'slow',
    perform: () => new Promise<void>((resolve) => (end = resolve)),
  })
  const recurring = [
    defineRecurring({ name: 'r', job: slow, every: '1m' }),
    everyMinute({ name: 'allowed', overlap: 'allow', queue: 'nobody' }),
  ]
  await using context = await jobsForTest([], { clock, recurring, work: { queues: ['default'] } })
  const { database } = context
  for (const time of [1, 2, 3]) {
    clock.set(noon + time * minute)
    await settle(database, clock)
    await waitUntil(
      'it runs',
      () => countOf(database, "handcar_jobs where name = 'slow' and state = 'running'") === 1,
    )
  }
  assert.deepEqual(
    rowsOf(database).map(({ skipped }) => skipped),
    [null, 'overlap', 'overlap'],
  )
  end()
  await waitUntil(
    'it has ended',
    () => countOf(database, "handcar_jobs where name = 'slow' and state = 'completed'") === 1,
  )
  clock.set(noon + 4 * minute)
  await settle(database, clock)
  assert.deepEqual(
    rowsOf(database).map(({ skipped }) => skipped),
    [null, 'overlap', 'overlap', null],
  )
  assert.equal(countOf(database, "handcar_jobs where queue = 'nobody'"), 4)
  await waitUntil(
    'it runs',
    () => countOf(database, "handcar_jobs where name = 'slow' and state = 'running'") === 1,
  )
  end()
})

test('with jitter, the job of a tick begins later, and the ticks stay where they are', async () => {
  const clock = new FakeClock(noon)
  const recurring = [everyMinute({ jitter: '30s', overlap: 'allow' })]
  await using context = await jobsForTest([], { clock, recurring, work: { queues: ['none'] } })
  const { database } = context
  for (let time = 1; time <= 40; time++) {
    clock.set(noon + time * minute)
    await waitUntil('it has ticked', () => ticksOf(database).length === time)
  }
  const jobs = database.all<{ scheduled_at: number | null; created_at: number }>(
    'select scheduled_at, created_at from handcar_jobs',
  )
  const delays = jobs.map((job) => (job.scheduled_at ?? job.created_at) - job.created_at)
  assert.ok(delays.every((delay) => delay >= 0 && delay <= 30_000))
  assert.ok(new Set(delays).size > 20, 'they differ')
})

test('the code makes the payload of each tick; what it makes wrong is written down and holds nothing up', async () => {
  const clock = new FakeClock(noon)
  const recurring = [
    defineRecurring({
      name: 'r',
      job: withText,
      every: '1m',
      overlap: 'allow',
      payload({ at, name }) {
        if (at.getTime() === noon + 2 * minute) throw new Error('no payload today')
        return `${name} ${at.toISOString()}`
      },
    }),
  ]
  await using context = await jobsForTest([], { clock, recurring })
  const { database, logger } = context
  for (const time of [1, 2, 3]) {
    clock.set(noon + time * minute)
    await settle(database, clock)
  }
  assert.deepEqual(
    rowsOf(database).map(({ skipped }) => skipped),
    [null, 'Error: no payload today', null],
  )
  assert.deepEqual(
    database.all<{ payload: string }>('select payload from handcar_jobs').map(({ payload }) => payload),
    ['"r 2026-01-01T12:01:00.000Z"', '"r 2026-01-01T12:03:00.000Z"'],
  )
  assert.equal(logger.lines.filter(({ message }) => message === 'a tick makes no job').length, 1)
})

test('a schema may be asynchronous', async () => {
  const clock = new FakeClock(noon)
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async (value: unknown) => ({ value: value as string }),
    },
  }
  const job = defineJob({ name: 'checked', schema, perform: () => undefined })
  const recurring = [defineRecurring({ name: 'r', job, every: '1m', payload: 'text' })]
  await using context = await jobsForTest([], { clock, recurring })
  clock.set(noon + minute)
  await settle(context.database, clock)
  assert.deepEqual(ticksOf(context.database), [1])
})

test('hundreds that are due at once all tick', async () => {
  const clock = new FakeClock(noon)
  const recurring = Array.from({ length: 250 }, (_, index) =>
    everyMinute({ name: `r${index}`, queue: 'none' }),
  )
  await using context = await jobsForTest([], { clock, recurring, work: { queues: ['default'] } })
  clock.set(noon + minute)
  await settle(context.database, clock)
  assert.equal(countOf(context.database, 'handcar_jobs'), 250)
})

test('the clock set forward: what was missed is caught up; set back: no tick comes twice and none is lost', async () => {
  const clock = new FakeClock(noon)
  await using context = await jobsForTest([], {
    clock,
    recurring: [everyMinute({ every: '10m', overlap: 'allow' })],
  })
  const { database, jobs } = context
  clock.set(noon + 10 * minute)
  await settle(database, clock)
  // Ten years forward, by mistake.
  const wrong = noon + 10 * 365 * 24 * 60 * minute
  clock.set(wrong)
  await settle(database, clock)
  assert.deepEqual(ticksOf(database), [10, (wrong - noon) / minute])
  // And back to the right time, a little before a tick that was done.
  clock.set(noon + 9 * minute)
  await jobs.recurring.edit('r', { jitter: 0 })
  await waitUntil('it is noticed', () => clock.nextTimer === noon + 10 * minute)
  clock.set(noon + 10 * minute)
  await settle(database, clock)
  clock.set(noon + 20 * minute)
  await settle(database, clock)
  assert.deepEqual(ticksOf(database), [10, 20, (wrong - noon) / minute])
  assert.equal(countOf(database, 'handcar_jobs'), 3)
})

test('a clock that was set back is noticed by itself, and at the next start', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    const clock = new FakeClock(noon)
    await using context = await jobsForTest([], { clock, recurring: [everyMinute()] })
    clock.set(noon + 1_000 * minute)
    await settle(context.database, clock)
    clock.set(noon + 30_000)
    mock.timers.tick(60_000)
    await waitUntil('it is noticed', () => clock.nextTimer === noon + minute)
    clock.set(noon + 2_000 * minute)
    await settle(context.database, clock)
    await context.jobs.stop()
    clock.set(noon + 30_000)
    await context.jobs.start()
    await waitUntil('it is noticed', () => clock.nextTimer === noon + minute)
  } finally {
    mock.timers.reset()
  }
})

test('a process ticks only what it has the code of', async () => {
  using folder = temporaryFolder()
  const clock = new FakeClock(noon)
  const path = folder.file('app.sqlite3')
  await using one = await openFile(path)
  await using other = await openFile(path)
  await using first = await jobsForTest([quick], { clock, database: one, recurring: [everyMinute()] })
  await using second = await jobsForTest([quick], { clock, database: other })
  await second.jobs.recurring.add(everyMinute({ name: 'added' }))
  await waitUntil('the timers are set', () => clock.nextTimer === noon + minute)
  await first.jobs.stop()
  clock.set(noon + minute)
  await waitUntil('it has ticked', () => ticksOf(other, 'added').length === 1)
  assert.deepEqual(ticksOf(other, 'r'), [])
  clock.set(noon + 2 * minute)
  await first.jobs.start()
  await waitUntil('it has ticked', () => ticksOf(other, 'r').length === 1)
  await waitUntil('it has ticked', () => ticksOf(other, 'added').length === 2)
})

test('nothing ticks where nothing works, and while nothing is due nothing is written', async () => {
  const clock = new FakeClock(noon)
  await using context = await jobsForTest([], {
    clock,
    recurring: [everyMinute({ every: '1h' })],
    work: false,
  })
  assert.equal(clock.nextTimer, undefined)
  assert.deepEqual(context.jobs.recurring.list(), [])
  const worker = new Jobs({
    database: context.database,
    clock,
    recurring: [everyMinute({ every: '1h' })],
    work: true,
  })
  await worker.start()
  try {
    const version = () =>
      countOf(context.database, 'handcar_jobs') + context.database.stats().writes.committed
    const before = version()
    clock.set(noon + 59 * minute)
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(version(), before)
    await worker.stop()
    // A restart writes the seat of the worker, twice, and no recurring job.
    const row = context.database.get('select * from handcar_job_recurring')
    await worker.start()
    assert.deepEqual(context.database.get('select * from handcar_job_recurring'), row)
  } finally {
    await worker.stop()
  }
})

test('a recurring job that cannot be ticked is told by name, and does not hold up the others', async () => {
  const clock = new FakeClock(noon)
  await using context = await jobsForTest([], {
    clock,
    recurring: [everyMinute({ name: 'bad' }), everyMinute({ overlap: 'allow' })],
  })
  const { database, logger } = context
  await database.run("update handcar_job_recurring set schedule = 'bogus' where name = 'bad'")
  for (const time of [1, 2]) {
    clock.set(noon + time * minute)
    await waitUntil('the other one has ticked', () => ticksOf(database).length === time, 30_000)
  }
  assert.deepEqual(ticksOf(database, 'bad'), [])
  const told = logger.lines.find(({ message }) => message === 'a tick failed and is tried again')
  assert.match(String(told?.fields.error), /"bad": .*bogus/)
  await database.run("update handcar_job_recurring set schedule = 'every 60000' where name = 'bad'")
  await waitUntil('it ticks again', () => ticksOf(database, 'bad').length === 1, 30_000)
})
