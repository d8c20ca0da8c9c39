import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock, temporaryDatabase } from '../../testing/index.ts'
import { Database } from '../../database/index.ts'
import { defineJob, defineRecurring, Jobs, type RecurringOptions } from '../index.ts'

const minute = 60_000
const noon = Date.UTC(2026, 0, 1, 12)

const mail = defineJob({ name: 'mail', perform: (payload: { to: string }) => payload.to })
const daily = (options: Partial<RecurringOptions<{ to: string }, string>> = {}) =>
  defineRecurring({ name: 'daily', job: mail, cron: '0 9 * * *', payload: { to: 'all' }, ...options })

const withJobs = (recurring: readonly ReturnType<typeof defineRecurring>[], clock = new FakeClock(noon)) =>
  jobsForTest([], { clock, recurring, work: { queues: ['none'] } })

const times = (dates: readonly Date[]): string[] => dates.map((date) => date.toISOString().slice(0, 16))

test('a recurring job as it is shown', async () => {
  await using context = await withJobs([
    daily({ timeZone: 'Europe/Berlin', jitter: '1m', missed: { all: 5 }, queue: 'mail', priority: 3 }),
    defineRecurring({
      name: 'often',
      job: mail,
      every: '5m',
      payload: ({ at }) => ({ to: at.toISOString() }),
    }),
  ])
  const [shown, often] = context.jobs.recurring.list()
  assert.deepEqual(shown, {
    name: 'daily',
    job: 'mail',
    cron: '0 9 * * *',
    every: undefined,
    timeZone: 'Europe/Berlin',
    payload: { to: 'all' },
    jitter: minute,
    overlap: 'allow',
    missed: { all: 5 },
    queue: 'mail',
    priority: 3,
    isFromCode: true,
    edited: [],
    pausedAt: undefined,
    nextAt: new Date('2026-01-02T08:00:00Z'),
    lastAt: undefined,
    lastJob: undefined,
  })
  assert.equal(often?.every, 5 * minute)
  assert.equal(often.overlap, 'skip')
  assert.equal(often.payload, undefined)
  assert.equal(context.jobs.recurring.get('nothing'), undefined)
})

test('the next ticks, of a recurring job and of a schedule that is only thought of', async () => {
  await using context = await withJobs(
    [daily({ timeZone: 'Europe/Berlin' })],
    new FakeClock(Date.UTC(2026, 2, 27, 12)),
  )
  const { recurring } = context.jobs
  const expected = ['2026-03-28T08:00', '2026-03-29T07:00', '2026-03-30T07:00']
  assert.deepEqual(times(recurring.next('daily', 3)), expected)
  assert.deepEqual(times(recurring.next({ cron: '0 9 * * *', timeZone: 'Europe/Berlin' }, 3)), expected)
  assert.deepEqual(times(recurring.next({ every: '12h' }, 2)), ['2026-03-28T00:00', '2026-03-28T12:00'])
  assert.equal(recurring.next('daily').length, 5)
  assert.deepEqual(recurring.next({ cron: '0 0 0 1 1 * 2020' }), [])
  assert.throws(() => recurring.next('dayly'), {
    code: 'HANDCAR_RECURRING_UNKNOWN',
    fix: 'Did you mean "daily"?',
  })
  assert.throws(() => recurring.next({ cron: '0 0 30 2 *' }), { code: 'HANDCAR_OPTION_INVALID' })
  assert.throws(() => recurring.next({}), { code: 'HANDCAR_OPTION_INVALID' })
  assert.throws(() => recurring.next('daily', 0), { code: 'HANDCAR_OPTION_INVALID' })
})

test('pause and resume: nothing ticks between, and nothing of that counts as missed', async () => {
  const clock = new FakeClock(noon)
  await using context = await withJobs([daily({ every: '1m', cron: undefined })], clock)
  const { jobs, database } = context
  const { recurring } = jobs
  const paused = await recurring.pause('daily')
  assert.deepEqual(paused.pausedAt, new Date(noon))
  assert.equal(paused.nextAt, undefined)
  await waitUntil('no timer is set', () => clock.nextTimer === undefined)
  clock.set(noon + 10 * minute)
  await recurring.pause('daily')
  assert.deepEqual(recurring.get('daily')?.pausedAt, new Date(noon))
  const resumed = await recurring.resume('daily')
  assert.equal(resumed.pausedAt, undefined)
  assert.deepEqual(resumed.nextAt, new Date(noon + 11 * minute))
  await waitUntil('the timer is set', () => clock.nextTimer === noon + 11 * minute)
  assert.deepEqual(recurring.ticks('daily'), [])
  clock.set(noon + 11 * minute)
  await waitUntil('it has ticked', () => recurring.ticks('daily').length === 1)
  assert.deepEqual(recurring.ticks('daily'), [
    { at: new Date(noon + 11 * minute), job: 1, skipped: undefined },
  ])
  await recurring.resume('daily')
  assert.equal(database.get<{ n: number }>('select count(*) as n from handcar_jobs')!.n, 1)
  for (const call of [() => recurring.pause('x'), () => recurring.resume('x'), () => recurring.edit('x', {})])
    await assert.rejects(async () => call(), { code: 'HANDCAR_RECURRING_UNKNOWN' })
})

test('an edit takes effect on its commit, in other processes too', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const partMigrations = { jobs: Jobs.migrations }
  await using working = new Database({ path, partMigrations, readers: false })
  await using outside = new Database({ path, partMigrations, readers: false })
  await working.start()
  await outside.start()
  const clock = new FakeClock(noon)
  await using context = await jobsForTest([], { clock, recurring: [daily()], database: working })
  await using other = new Jobs({ database: outside, clock })
  await other.start()
  const edited = await other.recurring.edit('daily', { every: '2m', payload: { to: 'me' }, queue: 'urgent' })
  assert.deepEqual(edited.edited, ['schedule', 'payload', 'queue'])
  assert.deepEqual(edited.nextAt, new Date(noon + 2 * minute))
  await waitUntil('the timer is set', () => clock.nextTimer === noon + 2 * minute)
  clock.set(noon + 2 * minute)
  await waitUntil('it has ticked', () => context.jobs.recurring.ticks('daily').length === 1)
  assert.deepEqual(working.get('select payload, queue from handcar_jobs'), {
    payload: '{"to":"me"}',
    queue: 'urgent',
  })
  const reset = await other.recurring.reset('daily')
  assert.deepEqual(reset.edited, [])
  assert.equal(reset.cron, '0 9 * * *')
  assert.deepEqual(reset.nextAt, new Date('2026-01-02T09:00:00Z'))
})

test('an edit that only changes what the jobs get leaves the next tick alone', async () => {
  const clock = new FakeClock(noon)
  await using context = await withJobs([daily({ every: '10m', cron: undefined })], clock)
  const { recurring } = context.jobs
  const before = recurring.get('daily')!.nextAt
  clock.set(noon + 5 * minute)
  assert.deepEqual((await recurring.edit('daily', { jitter: '5s', missed: 'skip' })).nextAt, before)
  assert.deepEqual((await recurring.edit('daily', { every: '10m' })).nextAt, before)
  assert.deepEqual((await recurring.edit('daily', { every: '6m' })).nextAt, new Date(noon + 6 * minute))
})

test('an edit survives a restart, until the code has another value for what was edited', async () => {
  const clock = new FakeClock(noon)
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  const run = async <Result>(
    definition: ReturnType<typeof daily>,
    work: (jobs: Jobs) => Result,
  ): Promise<Result> => {
    await using context = await jobsForTest([], {
      clock,
      database,
      recurring: [definition],
      work: { queues: ['none'] },
    })
    return await work(context.jobs)
  }
  await run(daily({ payload: { to: 'a' } }), (jobs) =>
    jobs.recurring.edit('daily', { cron: '0 10 * * *', payload: { to: 'b' } }),
  )
  await run(daily({ payload: { to: 'a' } }), ({ recurring }) => {
    const { cron, payload, edited } = recurring.get('daily')!
    assert.deepEqual(
      { cron, payload, edited },
      { cron: '0 10 * * *', payload: { to: 'b' }, edited: ['schedule', 'payload'] },
    )
  })
  // The code changes the payload: that edit ends, the other stays. It also changes the priority, which nobody has edited.
  await run(daily({ payload: { to: 'c' }, priority: 1 }), ({ recurring }) => {
    const { cron, payload, edited, priority } = recurring.get('daily')!
    assert.deepEqual(
      { cron, payload, edited, priority },
      { cron: '0 10 * * *', payload: { to: 'c' }, edited: ['schedule'], priority: 1 },
    )
    assert.deepEqual(times([recurring.get('daily')!.nextAt!]), ['2026-01-02T10:00'])
  })
  await run(daily({ payload: { to: 'c' }, priority: 1, cron: '0 11 * * *' }), ({ recurring }) => {
    const { cron, edited, nextAt } = recurring.get('daily')!
    assert.deepEqual(
      { cron, edited, at: times([nextAt!]) },
      { cron: '0 11 * * *', edited: [], at: ['2026-01-02T11:00'] },
    )
    return recurring.pause('daily')
  })
  // Paused stays paused, and what the code does not have any more stays as a row until it is removed.
  await run(daily({ cron: '0 12 * * *' }), ({ recurring }) => assert.ok(recurring.get('daily')?.pausedAt))
  await run(daily({ name: 'other' }), async ({ recurring }) => {
    assert.equal(recurring.get('daily')?.isFromCode, true)
    assert.equal(await recurring.remove('daily'), true)
    assert.equal(await recurring.remove('daily'), false)
    assert.deepEqual(
      recurring.list().map(({ name }) => name),
      ['other'],
    )
  })
})

test('recurring jobs that are made at run time, inside a transaction', async () => {
  const clock = new FakeClock(noon)
  await using context = await withJobs([daily()], clock)
  const { jobs, database } = context
  const { recurring } = jobs
  jobs.define(mail)
  const forUser = (id: number, every: '1m' | '2m') =>
    defineRecurring({ name: `user-${id}`, job: mail, every, payload: { to: String(id) } })
  await assert.rejects(
    database.write(async () => {
      await recurring.add(forUser(1, '1m'))
      throw new Error('no')
    }),
    /no/,
  )
  assert.equal(recurring.get('user-1'), undefined)
  await database.write(async () => {
    await recurring.add(forUser(1, '1m'))
    await recurring.add(forUser(2, '1m'))
  })
  await waitUntil('the timer is set', () => clock.nextTimer === noon + minute)
  const added = await recurring.add(forUser(2, '2m'))
  assert.equal(added.isFromCode, false)
  assert.deepEqual(added.edited, [])
  clock.set(noon + minute)
  await waitUntil('it has ticked', () => recurring.ticks('user-1').length === 1)
  clock.set(noon + 2 * minute)
  await waitUntil('it has ticked', () => recurring.ticks('user-2').length === 1)
  await recurring.edit('user-2', { cron: '0 8 * * *' })
  assert.equal(recurring.get('user-2')?.cron, '0 8 * * *')
  assert.deepEqual(recurring.get('user-2')?.edited, [])
  assert.equal((await recurring.reset('user-2')).cron, '0 8 * * *')
  assert.equal(await recurring.remove('user-2'), true)
  await assert.rejects(recurring.add(daily()), { code: 'HANDCAR_RECURRING_DEFINED' })
  await assert.rejects(recurring.remove('daily'), { code: 'HANDCAR_RECURRING_DEFINED' })
  await assert.rejects(recurring.add({} as never), { code: 'HANDCAR_OPTION_INVALID' })
  await assert.rejects(recurring.add(daily({ name: 'f', payload: () => ({ to: '' }) })), {
    code: 'HANDCAR_OPTION_INVALID',
    message: /a function/,
  })
  await assert.rejects(recurring.edit('daily', { payload: () => 1 }), { code: 'HANDCAR_OPTION_INVALID' })
})

test('run it now: no tick, but an overlap', async () => {
  const clock = new FakeClock(noon)
  await using context = await withJobs(
    [daily({ every: '1m', cron: undefined, queue: 'other', priority: 7 })],
    clock,
  )
  const { jobs, database } = context
  await jobs.recurring.pause('daily')
  const handle = await jobs.recurring.runNow('daily')
  assert.deepEqual(database.get('select id, queue, priority, payload from handcar_jobs'), {
    id: handle.id,
    queue: 'other',
    priority: 7,
    payload: '{"to":"all"}',
  })
  assert.equal(jobs.recurring.get('daily')?.lastJob, handle.id)
  assert.equal(jobs.recurring.get('daily')?.lastAt, undefined)
  await jobs.recurring.resume('daily')
  await waitUntil('the timer is set', () => clock.nextTimer === noon + minute)
  clock.set(noon + minute)
  await waitUntil('it has ticked', () => jobs.recurring.ticks('daily').length === 1)
  assert.deepEqual(jobs.recurring.ticks('daily'), [
    { at: new Date(noon + minute), job: undefined, skipped: 'overlap' },
  ])
  await using outside = new Jobs({ database, clock })
  await outside.start()
  await assert.rejects(outside.recurring.runNow('daily'), { code: 'HANDCAR_JOB_UNKNOWN' })
})

test('a payload that its job does not take is refused at the start, and by add and edit', async () => {
  const strict = defineJob({ name: 'strict', schema: z.object({ n: z.number() }), perform: () => undefined })
  const define = (payload: unknown, name = 'r') =>
    defineRecurring({ name, job: strict, every: '1m', payload: payload as { n: number } })
  await assert.rejects(withJobs([define({ n: 'one' })]), { code: 'HANDCAR_JOB_PAYLOAD' })
  await using context = await withJobs([define({ n: 1 })])
  const { recurring } = context.jobs
  await assert.rejects(recurring.add(define({}, 'added')), { code: 'HANDCAR_JOB_PAYLOAD' })
  await assert.rejects(recurring.edit('r', { payload: { n: null } }), { code: 'HANDCAR_JOB_PAYLOAD' })
  await recurring.edit('r', { payload: { n: 2 } })
  assert.deepEqual(recurring.get('r')?.payload, { n: 2 })
})

test('recurring jobs that are defined while it runs', async () => {
  const clock = new FakeClock(noon)
  await using context = await withJobs([], clock)
  const { jobs, logger } = context
  jobs.define(mail, daily({ every: '1m', cron: undefined }))
  await waitUntil('the timer is set', () => clock.nextTimer === noon + minute)
  assert.throws(() => jobs.define(daily()), { code: 'HANDCAR_OPTION_INVALID', message: /"daily"/ })
  const another = defineJob({ name: 'mail', perform: () => undefined })
  assert.throws(() => jobs.define(defineRecurring({ name: 'x', job: another, every: '1m' })), {
    code: 'HANDCAR_OPTION_INVALID',
  })
  const circular: { to: string; self?: unknown } = { to: '' }
  circular.self = circular
  jobs.define(daily({ name: 'circular', payload: circular }))
  await waitUntil('it is reported', () => logger.lines.some(({ level }) => level === 'error'))
  assert.equal(jobs.recurring.get('circular'), undefined)
})

test('options that are refused', async () => {
  const refused = (options: object, message: RegExp, code = 'HANDCAR_OPTION_INVALID'): void =>
    assert.throws(() => defineRecurring({ name: 'r', job: mail, every: '1m', ...options } as never), {
      code,
      message,
    })
  refused({ name: '' }, /"name"/)
  refused({ job: 'mail' }, /what defineJob returns/)
  refused({ every: undefined }, /either the option "cron" or the option "every"/)
  refused({ cron: '0 9 * * *' }, /either the option "cron" or the option "every"/)
  refused(
    { every: undefined, cron: '0 0 30 2 *' },
    /Recurring job "r" option "cron": .* no such date ever comes/,
  )
  for (const every of ['999ms', 0, 1_500.5, -1, '20y', Number.NaN, Infinity, 1e15])
    refused({ every }, /"every"/)
  refused({ timeZone: 'Mars' }, /"timeZone"/)
  refused({ jitter: -1 }, /"jitter"/)
  refused({ overlap: 'queue' }, /"overlap"/)
  for (const missed of ['all', { all: 0 }, { all: 1_001 }, {}, null, 7]) refused({ missed }, /"missed"/)
  refused({ missed: { all: 1, more: 2 } }, /no option "more"/, 'HANDCAR_OPTION_UNKNOWN')
  refused({ missed: { all: 2 }, overlap: 'skip' }, /"allow" where missed is/)
  refused({ queue: '' }, /"queue"/)
  refused({ priority: 0.5 }, /"priority"/)
  refused({ schedule: '* * * * *' }, /no option "schedule"/, 'HANDCAR_OPTION_UNKNOWN')
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  for (const recurring of [{}, [mail], ['daily'], [daily(), daily()]])
    assert.throws(() => new Jobs({ database, recurring: recurring as never }), {
      code: 'HANDCAR_OPTION_INVALID',
    })
  const stopped = new Jobs({ database })
  assert.throws(() => stopped.recurring.list(), { code: 'HANDCAR_NOT_STARTED' })
  await assert.rejects(async () => stopped.recurring.pause('x'), { code: 'HANDCAR_NOT_STARTED' })
})
