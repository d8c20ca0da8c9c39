import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob, Outcome } from '../index.ts'

const hour = 3_600_000

test('a job that sleeps leaves its slot, and goes on behind its sleep when the time is over', async () => {
  const clock = new FakeClock()
  const seen: string[] = []
  const sleeper = defineJob({
    name: 'sleeper',
    maxAttempts: 1,
    async perform(_: undefined, job) {
      await job.step('before', () => seen.push('before'))
      await job.sleep('an hour', '1h')
      seen.push(`attempt ${job.attempt}`)
      await job.sleepUntil('morning', new Date(Date.UTC(2026, 0, 2)))
      return job.step('after', () => seen.push('after'))
    },
  })
  const other = defineJob({ name: 'other', perform: () => 'other' })
  await using context = await jobsForTest([sleeper, other], { clock, work: { slots: 1 } })
  const { jobs, database } = context
  const handle = await jobs.enqueue(sleeper)
  await waitUntil('it sleeps', () => handle.state() === 'scheduled' && clock.nextTimer !== undefined)
  assert.equal(clock.nextTimer, clock.now() + hour)
  assert.equal(await (await jobs.enqueue(other)).result(), 'other')
  clock.advance(hour - 1)
  assert.equal(handle.state(), 'scheduled')
  clock.advance(1)
  await waitUntil('it sleeps until the morning', () => clock.nextTimer === Date.UTC(2026, 0, 2))
  clock.set(Date.UTC(2026, 0, 2))
  await handle.result()
  assert.deepEqual(seen, ['before', 'attempt 1', 'attempt 1', 'after'])
  assert.deepEqual(
    database.all('select name, kind, state from handcar_job_steps order by started_at, name desc'),
    [
      { name: 'before', kind: 'step', state: 'done' },
      { name: 'an hour', kind: 'sleep', state: 'done' },
      { name: 'morning', kind: 'sleep', state: 'done' },
      { name: 'after', kind: 'step', state: 'done' },
    ],
  )
})

test('a sleep that is over stays over when the clock is set back, and one of no length does not suspend', async () => {
  const clock = new FakeClock()
  let attempts = 0
  const job = defineJob({
    name: 'job',
    backoff: { first: 1, jitter: 0 },
    async perform(_: undefined, job) {
      attempts++
      await job.sleep('nothing', 0)
      await job.sleepUntil('past', 1)
      await job.sleep('an hour', '1h')
      if (attempts === 2) {
        clock.set(clock.now() - hour)
        throw new Error('again')
      }
    },
  })
  await using context = await jobsForTest([job], { clock })
  const handle = await context.jobs.enqueue(job)
  await waitUntil('it sleeps', () => clock.nextTimer !== undefined)
  assert.equal(attempts, 1)
  clock.advance(hour)
  await waitUntil('it is retried', () => handle.state() === 'retryable' && clock.nextTimer !== undefined)
  clock.advance(1)
  await handle.result()
  assert.equal(attempts, 3)
})

test('a sleep beside steps begins when they are done; several sleep until the first of them is over', async () => {
  const clock = new FakeClock()
  const seen: string[] = []
  const slow = Promise.withResolvers<string>()
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      const chain = async (): Promise<void> => {
        seen.push(await job.step('slow', () => slow.promise))
        await job.step('next', () => seen.push('next'))
      }
      const remind = async (name: string, time: number): Promise<void> => {
        await job.sleep(`before ${name}`, time)
        await job.step(name, () => seen.push(name))
      }
      await Promise.all([remind('second', 2 * hour), chain(), remind('first', hour)])
    },
  })
  await using context = await jobsForTest([job], { clock })
  const handle = await context.jobs.enqueue(job)
  await waitUntil(
    'both sleep',
    () => context.database.all("select 1 from handcar_job_steps where state = 'sleeping'").length === 2,
  )
  assert.equal(handle.state(), 'running')
  slow.resolve('slow')
  await waitUntil('it sleeps', () => clock.nextTimer !== undefined && handle.state() === 'scheduled')
  assert.deepEqual(seen, ['slow', 'next'])
  clock.advance(hour)
  await waitUntil('it sleeps again', () => seen.length === 4 && clock.nextTimer === clock.now() + hour)
  clock.advance(hour)
  await handle.result()
  assert.deepEqual(seen, ['slow', 'next', 'slow', 'first', 'slow', 'second'])
})

test('a job that catches what puts it to sleep sleeps all the same; it can be told from an error', async () => {
  const clock = new FakeClock()
  const seen: string[] = []
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      try {
        await job.sleep('an hour', '1h')
        seen.push('slept')
      } catch (error) {
        seen.push(error instanceof Outcome ? 'suspended' : 'failed')
        await job.step('compensate', () => seen.push('compensated')).catch(() => {})
      }
      return 'done'
    },
  })
  await using context = await jobsForTest([job], { clock })
  const handle = await context.jobs.enqueue(job)
  await waitUntil('it sleeps', () => clock.nextTimer !== undefined && handle.state() === 'scheduled')
  clock.advance(hour)
  assert.equal(await handle.result(), 'done')
  assert.deepEqual(seen, ['suspended', 'slept'])
})

test('a job that sleeps is cancelled at once; one that is about to sleep too', async () => {
  const clock = new FakeClock()
  const mayGo = Promise.withResolvers<void>()
  const sleeper = defineJob({ name: 'sleeper', perform: (_: undefined, job) => job.sleep('an hour', '1h') })
  const late = defineJob({
    name: 'late',
    async perform(_: undefined, job) {
      await mayGo.promise
      // Cancelled by somebody else, and this process does not know it yet.
      await job.database.run("update handcar_jobs set cancel_reason = 'late' where id = ?", [job.id])
      await job.sleep('an hour', '1h')
    },
  })
  await using context = await jobsForTest([sleeper, late], { clock })
  const { jobs, database } = context
  const sleeping = await jobs.enqueue(sleeper)
  await waitUntil('it sleeps', () => sleeping.state() === 'scheduled')
  assert.equal(await sleeping.cancel('not needed'), true)
  assert.equal(sleeping.state(), 'cancelled')
  const running = await jobs.enqueue(late)
  mayGo.resolve()
  assert.match((await errorOf(() => running.result())).message, /was cancelled: late/)
  clock.advance(2 * hour)
  assert.equal(
    await database.run("delete from handcar_jobs where state = 'cancelled'").then(({ changes }) => changes),
    2,
  )
  assert.deepEqual(database.all('select * from handcar_job_steps'), [])
})

test('a running job that is cancelled takes no further step', async () => {
  const seen: string[] = []
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      await job.step(
        'first',
        ({ signal }) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
      )
      seen.push('between')
      await job.step('second', () => seen.push('second'))
    },
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  await waitUntil('it runs', () =>
    context.database.get("select 1 from handcar_job_steps where state = 'running'"),
  )
  await handle.cancel('enough')
  await errorOf(() => handle.result())
  assert.deepEqual(seen, ['between'])
  assert.equal(handle.state(), 'cancelled')
  assert.deepEqual(context.database.all('select name, state from handcar_job_steps'), [
    { name: 'first', state: 'done' },
  ])
})

test('a stop does not touch a job that sleeps, and a job of many steps leaves between two of them', async () => {
  const seen: number[] = []
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    async perform(_: undefined, job) {
      for (let n = 0; n < 5; n++) {
        await job.step(`step ${n}`, async () => {
          if (n === 2) await goOn.promise
          seen.push(n)
        })
      }
      return job.attempt
    },
  })
  const sleeper = defineJob({ name: 'sleeper', perform: (_: undefined, job) => job.sleep('an hour', '1h') })
  await using context = await jobsForTest([job, sleeper])
  const { jobs, database } = context
  const handle = await jobs.enqueue(job)
  const sleeping = await jobs.enqueue(sleeper)
  await waitUntil(
    'it is in its third step',
    () =>
      sleeping.state() === 'scheduled' &&
      database.get("select 1 from handcar_job_steps where name = 'step 2' and state = 'running'"),
  )
  const stopped = jobs.stop({ timeout: '60s' })
  goOn.resolve()
  await stopped
  assert.deepEqual(seen, [0, 1, 2])
  assert.deepEqual(database.all('select state, attempt from handcar_jobs order by id'), [
    { state: 'scheduled', attempt: 0 },
    { state: 'scheduled', attempt: 0 },
  ])
  await using again = await jobsForTest([job, sleeper], { database })
  assert.ok(again)
  const row = () =>
    database.get<{ state: string; result: string }>('select state, result from handcar_jobs where id = ?', [
      handle.id,
    ])!
  await waitUntil('it is done', () => row().state === 'completed')
  assert.equal(row().result, '1')
  assert.deepEqual(seen, [0, 1, 2, 3, 4])
})

test('the time limit of a job is that of an attempt: a sleep does not count, and a late one does not hide it', async () => {
  const clock = new FakeClock()
  const job = defineJob({
    name: 'job',
    timeout: 50,
    maxAttempts: 1,
    async perform(isLate: boolean, job) {
      if (isLate)
        await job.step(
          'long',
          ({ signal }) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
        )
      await job.sleep('an hour', '1h')
      return 'in time'
    },
  })
  await using context = await jobsForTest([job], { clock })
  const punctual = await context.jobs.enqueue(job, false)
  await waitUntil('it sleeps', () => clock.nextTimer !== undefined && punctual.state() === 'scheduled')
  clock.advance(hour)
  assert.equal(await punctual.result(), 'in time')
  const late = await context.jobs.enqueue(job, true)
  assert.match((await errorOf(() => late.result())).message, /was not done after 50 ms/)
})
