import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob } from '../index.ts'

/** A job that runs until it is told to go on, and knows how many run at once. */
function countingJob(limit: { key?: (payload: { key: string; n: number }) => string; count: number }) {
  const running = new Map<string, number>()
  const order: number[] = []
  let most = 0
  const job = defineJob({
    name: 'counting',
    limit,
    async perform({ key, n }: { key: string; n: number }) {
      order.push(n)
      running.set(key, (running.get(key) ?? 0) + 1)
      most = Math.max(most, running.get(key)!)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running.set(key, running.get(key)! - 1)
    },
  })
  return { job, order, most: () => most }
}

test('never more jobs of a key run than its limit, in two workers, first come first served', async () => {
  const { job, order, most } = countingJob({ key: ({ key }) => key, count: 2 })
  await using producer = await jobsForTest([job], { work: false })
  const { database } = producer
  const payloads = Array.from({ length: 200 }, (_, n) => ({ key: n % 10 === 0 ? 'other' : 'same', n }))
  await producer.jobs.enqueueAll(job, payloads)
  await using first = await jobsForTest([job], { database, work: { slots: 8 } })
  await using second = await jobsForTest([job], { database, work: { slots: 8 } })
  assert.ok(first && second)
  await waitUntil('all are done', () => order.length === 200)
  assert.equal(most(), 2)
  const same = order.filter((n) => n % 10 !== 0)
  assert.deepEqual(
    same,
    same.toSorted((a, b) => a - b),
  )
})

test('a full key does not hold up the jobs behind it, and leaves no job blocked', async () => {
  const goOn = Promise.withResolvers<void>()
  const slow = defineJob({ name: 'slow', limit: { count: 1 }, perform: () => goOn.promise })
  const quick = defineJob({ name: 'quick', perform: () => {} })
  await using context = await jobsForTest([slow, quick], { work: { slots: 3 } })
  const { jobs, database } = context
  const slowOnes = await jobs.enqueueAll(
    slow,
    Array.from({ length: 500 }, () => undefined),
  )
  const quickOne = await jobs.enqueue(quick)
  await quickOne.result({ timeout: '5s' })
  const blocked = database.get('select count(*) as n from handcar_jobs where blocked = 1')
  assert.deepEqual(blocked, { n: 499 })
  goOn.resolve()
  await slowOnes.at(-1)!.result({ timeout: '10s' })
  assert.deepEqual(database.get("select count(*) as n from handcar_jobs where state <> 'completed'"), {
    n: 0,
  })
})

test('blocked jobs of a key run although the first of them are in a queue that is paused', async () => {
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    limit: { count: 1 },
    perform: (first: boolean) => (first ? goOn.promise : undefined),
  })
  await using context = await jobsForTest([job])
  const { jobs } = context
  await jobs.enqueue(job, true)
  const asleep = await jobs.enqueue(job, false, { queue: 'asleep' })
  const awake = await jobs.enqueue(job, false, { queue: 'awake' })
  await waitUntil(
    'both are blocked',
    () => context.database.all('select id from handcar_jobs where blocked = 1').length === 2,
  )
  await jobs.pause('asleep')
  goOn.resolve()
  await awake.result({ timeout: '5s' })
  assert.equal(asleep.state(), 'available')
  await jobs.resume('asleep')
  await asleep.result({ timeout: '5s' })
})

test('a limit that was raised counts for the jobs that wait already', async () => {
  const define = (count: number) => {
    const goOn = Promise.withResolvers<void>()
    return { goOn, job: defineJob({ name: 'job', limit: { count }, perform: () => goOn.promise }) }
  }
  const before = define(1)
  await using old = await jobsForTest([before.job], { work: { slots: 1 } })
  const { database } = old
  await old.jobs.enqueueAll(before.job, [undefined, undefined, undefined, undefined])
  const count = (where: string) => database.all(`select id from handcar_jobs where ${where}`).length
  await waitUntil('it runs', () => count("state = 'running'") === 1)
  await database.run("update handcar_jobs set blocked = 1 where state = 'available'")
  const after = define(3)
  await using young = await jobsForTest([after.job], { database })
  assert.ok(young)
  await waitUntil('three run', () => count("state = 'running'") === 3)
  before.goOn.resolve()
  after.goOn.resolve()
  await waitUntil('all are done', () => count("state = 'completed'") === 4)
})

test('a rate lets its burst run at once and the others one by one, in their order', async () => {
  const clock = new FakeClock()
  const order: number[] = []
  const job = defineJob({
    name: 'job',
    rate: { count: 2, per: '10s' },
    perform: (n: number) => void order.push(n),
  })
  await using context = await jobsForTest([job], { clock })
  const { jobs, database } = context
  const start = clock.now()
  for (const n of [0, 1, 2, 3, 4]) await jobs.enqueue(job, n)
  const waiting = () =>
    database.all<{ at: number }>(
      "select scheduled_at as at from handcar_jobs where state = 'scheduled' order by id",
    )
  await waitUntil('the others wait', () => order.length === 2 && waiting().length === 3)
  assert.deepEqual(
    waiting().map(({ at }) => at - start),
    [5_000, 10_000, 15_000],
  )
  for (const [done, at] of [
    [3, 5_000],
    [4, 10_000],
    [5, 15_000],
  ] as const) {
    await waitUntil('the timer is set', () => clock.nextTimer === start + at)
    clock.set(start + at)
    await waitUntil('one more was done', () => order.length === done)
  }
  assert.deepEqual(order, [0, 1, 2, 3, 4])
  assert.equal(database.all('select id from handcar_jobs where attempt <> 1').length, 0)
  clock.advance(60_000)
  await jobs.enqueueAll(job, [5, 6, 7])
  await waitUntil('a full bucket again', () => order.length === 7 && waiting().length === 1)
})

test('keys take turns, whatever the backlog of one of them', async () => {
  const order: string[] = []
  const job = defineJob({
    name: 'job',
    fairBy: ({ tenant }) => tenant,
    perform: ({ tenant }: { tenant: string }) => void order.push(tenant),
  })
  await using producer = await jobsForTest([job], { work: false })
  const { jobs, database } = producer
  await jobs.enqueueAll(
    job,
    Array.from({ length: 100 }, () => ({ tenant: 'large' })),
  )
  await jobs.enqueue(job, { tenant: 'small' })
  await jobs.enqueueAll(job, [{ tenant: 'small' }, { tenant: 'third' }])
  await using worker = await jobsForTest([job], { database, work: { slots: 1 } })
  assert.ok(worker)
  await waitUntil('all are done', () => order.length === 103)
  assert.deepEqual(order.slice(0, 6), ['large', 'small', 'third', 'large', 'small', 'large'])
})

test('a key that comes late begins in the present round, not in the first', async () => {
  const order: string[] = []
  const job = defineJob({
    name: 'job',
    fairBy: (key: string) => key,
    perform: (key: string) => void order.push(key),
  })
  await using producer = await jobsForTest([job], { work: false })
  const { jobs, database } = producer
  await jobs.enqueueAll(
    job,
    Array.from({ length: 50 }, () => 'a'),
  )
  await database.run('delete from handcar_jobs where turn < 40')
  await jobs.enqueueAll(job, ['b', 'b', 'b'])
  const turns = database.all<{ turn: number }>(
    "select turn from handcar_jobs where fair_key = 'b' order by id",
  )
  assert.deepEqual(
    turns.map(({ turn }) => turn),
    [40, 41, 42],
  )
})
