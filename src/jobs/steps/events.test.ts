import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { Duration } from '../../core/index.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob } from '../index.ts'

const waiter = defineJob({
  name: 'waiter',
  async perform({ event, timeout }: { event: string; timeout?: Duration }, job) {
    const answer = await job.waitForEvent('answer', { event, ...(timeout !== undefined && { timeout }) })
    return answer === undefined ? 'too late' : answer
  },
})

test('a job that waits leaves its slot and goes on with the payload of the event', async () => {
  await using context = await jobsForTest([waiter], { work: { slots: 1 } })
  const { jobs } = context
  const first = await jobs.enqueue(waiter, { event: 'paid:1' })
  const second = await jobs.enqueue(waiter, { event: 'paid:2' })
  await waitUntil('both wait', () => first.state() === 'scheduled' && second.state() === 'scheduled')
  await jobs.emit('paid:2', { amount: 20 })
  assert.deepEqual(await second.result(), { amount: 20 })
  assert.equal(first.state(), 'scheduled')
  await jobs.emit('paid:1')
  assert.equal(await first.result(), null)
})

test('a wait ends with undefined when its time is over; an event that comes first wins', async () => {
  const clock = new FakeClock()
  await using context = await jobsForTest([waiter], { clock })
  const { jobs } = context
  const late = await jobs.enqueue(waiter, { event: 'late', timeout: '1h' })
  const early = await jobs.enqueue(waiter, { event: 'early', timeout: '1h' })
  await waitUntil('both wait', () => late.state() === 'scheduled' && early.state() === 'scheduled')
  await waitUntil('the timer is set', () => clock.nextTimer === clock.now() + 3_600_000)
  await jobs.emit('early', 1)
  assert.equal(await early.result(), 1)
  clock.advance(3_600_000)
  assert.equal(await late.result(), 'too late')
  await jobs.emit('late', 1)
  assert.deepEqual(
    context.database.all(
      "select name, state, result, heard is null as unheard from handcar_job_steps where event = 'late'",
    ),
    [{ name: 'answer', state: 'done', result: null, unheard: 1 }],
  )
})

test('an event counts that was emitted after the job was enqueued, also before it waits; none from before', async () => {
  const clock = new FakeClock()
  await using context = await jobsForTest([waiter], { clock, work: false })
  const { jobs, database } = context
  await jobs.emit('go', 'before')
  const first = await jobs.enqueue(waiter, { event: 'go' })
  // Neither the clock nor the order of the ids of other jobs matters.
  clock.set(clock.now() - 86_400_000)
  await jobs.emit('go', 'between')
  const second = await jobs.enqueue(waiter, { event: 'go' })
  await using worker = await jobsForTest([waiter], { database, clock })
  assert.equal(await first.result(), 'between')
  await waitUntil('the second waits', () => second.state() === 'scheduled')
  await worker.jobs.emit('go', 'after')
  assert.equal(await second.result(), 'after')
})

test('several waits of a job for one event get its first, its second, …, whenever they are emitted', async () => {
  const listener = defineJob({
    name: 'listener',
    async perform(_: undefined, job) {
      const heard: unknown[] = []
      for (let n = 0; n < 4; n++) heard.push(await job.waitForEvent(`message ${n}`, { event: 'message' }))
      return heard
    },
  })
  await using context = await jobsForTest([listener])
  const { jobs } = context
  const handle = await jobs.enqueue(listener)
  await jobs.emit('message', 1)
  await jobs.emit('message', 2)
  await waitUntil('it waits for the third', () =>
    context.database.get("select 1 from handcar_job_steps where name = 'message 2' and state = 'waiting'"),
  )
  await waitUntil('it sleeps', () => handle.state() === 'scheduled')
  await Promise.all([jobs.emit('message', 3), jobs.emit('message', 4)])
  assert.deepEqual(await handle.result(), [1, 2, 3, 4])
})

test('an event that comes while the job is about to sleep is not lost', async () => {
  let emit: () => Promise<void> = () => Promise.resolve()
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      const [answer] = await Promise.all([
        job.waitForEvent('answer'),
        // Comes between the wait and the sleep: a job is suspended when the steps beside have ended.
        job.step('emit', async () => {
          await waitUntil('it waits', () =>
            job.database.get("select 1 from handcar_job_steps where state = 'waiting'"),
          )
          await emit()
        }),
      ])
      return answer
    },
  })
  await using context = await jobsForTest([job])
  emit = () => context.jobs.emit('answer', 42)
  assert.equal(await (await context.jobs.enqueue(job)).result({ timeout: '10s' }), 42)
})

test('an emit is part of the open transaction', async () => {
  await using context = await jobsForTest([waiter])
  const { jobs, database } = context
  const handle = await jobs.enqueue(waiter, { event: 'go' })
  await waitUntil('it waits', () => handle.state() === 'scheduled')
  await assert.rejects(
    database.write((tx) => {
      void jobs.emit('go', 'taken back')
      tx.run('insert into nothing values (1)')
    }),
  )
  await assert.rejects(
    database.write(() => void jobs.emit('go', () => {})),
    { code: 'HANDCAR_JOB_PAYLOAD' },
  )
  assert.equal(handle.state(), 'scheduled')
  assert.deepEqual(database.all('select * from handcar_job_events'), [])
  await database.write(() => void jobs.emit('go', 'committed'))
  assert.equal(await handle.result(), 'committed')
})

test('what is no event is refused', async () => {
  await using context = await jobsForTest([waiter], { work: false, maxPayload: 100 })
  const { jobs } = context
  assert.equal(await codeOf(() => jobs.emit('')), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => jobs.emit(7 as never)), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => jobs.emit('e', 'x'.repeat(200))), 'HANDCAR_JOB_PAYLOAD')
  assert.equal(await codeOf(() => jobs.emit('e', [undefined])), 'HANDCAR_JOB_PAYLOAD')
  assert.equal(await codeOf(() => jobs.emit('e', 1, { keep: 'long' as never })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => jobs.emit('e', 1, { for: '1h' } as never)), 'HANDCAR_OPTION_UNKNOWN')
  await jobs.stop()
  assert.equal(await codeOf(() => jobs.emit('e')), 'HANDCAR_NOT_STARTED')
})

test('events are cleared away by later ones when their time is over', async () => {
  const clock = new FakeClock()
  await using context = await jobsForTest([waiter], { work: false, clock })
  const { jobs, database } = context
  await jobs.emit('kept', 1)
  await jobs.emit('short', 1, { keep: '1h' })
  clock.advance(3_600_000)
  await jobs.emit('next', 1)
  assert.deepEqual(database.all('select event from handcar_job_events order by id'), [
    { event: 'kept' },
    { event: 'next' },
  ])
})

test('an event that thousands wait for is delivered in slices, once to each, in order, by whoever works next', async () => {
  const pair = defineJob({
    name: 'pair',
    perform: async (_: undefined, job) => [
      await job.waitForEvent('first', { event: 'news' }),
      await job.waitForEvent('second', { event: 'news' }),
    ],
  })
  const count = 1_200
  await using context = await jobsForTest([pair], { work: { slots: 100 } })
  const { jobs, database } = context
  await jobs.enqueueAll(pair, Array(count).fill(undefined))
  const waiting = () =>
    database.get<{ n: number }>("select count(*) as n from handcar_jobs where state = 'scheduled'")!.n
  await waitUntil('all wait', () => waiting() === count, 60_000)
  await jobs.stop()
  {
    // Emits and is gone.
    await using emitter = await jobsForTest([pair], { database, work: false })
    await Promise.all([emitter.jobs.emit('news', 1), emitter.jobs.emit('news', 2)])
  }
  const delivered = database.get<{ n: number }>(
    "select count(*) as n from handcar_job_steps where state = 'done'",
  )!.n
  assert.ok(delivered > 0 && delivered < count, `${delivered} were delivered at once`)
  await jobs.start()
  const done = () =>
    database.get<{ n: number }>("select count(*) as n from handcar_jobs where state = 'completed'")!.n
  await waitUntil('all are done', () => done() === count, 60_000)
  assert.deepEqual(database.all('select distinct result from handcar_jobs'), [{ result: '[1,2]' }])
  assert.deepEqual(database.all('select event, is_delivering from handcar_job_events'), [
    { event: 'news', is_delivering: 0 },
    { event: 'news', is_delivering: 0 },
  ])
})

test('a wait whose event is called something else by newer code waits for that', async () => {
  const define = (event: string) =>
    defineJob({ name: 'job', perform: (_: undefined, job) => job.waitForEvent('answer', { event }) })
  const old = define('old')
  await using first = await jobsForTest([old])
  const { database } = first
  const handle = await first.jobs.enqueue(old)
  await waitUntil('it waits', () => handle.state() === 'scheduled')
  await first.jobs.stop()
  await using second = await jobsForTest([define('new')], { database })
  await second.jobs.emit('new', 'too early for the old code')
  await database.run('update handcar_jobs set scheduled_at = 1 where id = ?', [handle.id])
  await database.write((tx) => tx.touch('handcar.jobs'))
  const row = () =>
    database.get<{ result: string | null }>('select result from handcar_jobs where id = ?', [handle.id])!
  await waitUntil('it is done', () => row().result !== null)
  assert.equal(row().result, '"too early for the old code"')
})

test('an event is delivered that comes in the commit which ends the delivery of another', async () => {
  await using context = await jobsForTest([waiter])
  const { jobs, database } = context
  await database.write((tx) => {
    for (let id = 1; id <= 1_200; id++) {
      tx.run("insert into handcar_jobs (id, name, queue, state) values (?, 'unknown', 'none', 'scheduled')", [
        id,
      ])
      tx.run(
        `insert into handcar_job_steps (job_id, name, kind, state, started_at, event, heard)
        values (?, 'wait', 'wait', 'waiting', 0, ?, 0)`,
        [id, id % 2 === 0 ? 'one' : 'two'],
      )
    }
  })
  // The second write that delivers finds no more, and commits together with what is queued right behind it.
  const write = database.write.bind(database)
  let deliveries = 0
  database.write = (body, options) => {
    const written = write(body, options)
    if (options?.label === 'handcar.jobs.deliver' && ++deliveries === 2) void jobs.emit('two')
    return written
  }
  await jobs.emit('one')
  const waiting = (): unknown => database.get("select 1 from handcar_job_steps where state = 'waiting'")
  await waitUntil('all have heard', () => waiting() === undefined)
})
