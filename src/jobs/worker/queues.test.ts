import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Transaction } from '../../database/index.ts'
import { selectPriorities } from '../sql.ts'
import { defineJob, type Queues } from '../index.ts'

async function orderOf(
  queues: Queues,
  enqueued: Record<string, number>,
  slots = 1,
  until?: number,
): Promise<string[]> {
  const order: string[] = []
  const job = defineJob({ name: 'job', perform: (queue: string) => void order.push(queue) })
  await using producer = await jobsForTest([job], { work: false })
  for (const [queue, count] of Object.entries(enqueued)) {
    await producer.jobs.enqueueAll(
      job,
      Array.from({ length: count }, () => queue),
      { queue },
    )
  }
  await using worker = await jobsForTest([job], { database: producer.database, work: { slots, queues } })
  assert.ok(worker)
  const all = Object.values(enqueued).reduce((sum, count) => sum + count, 0)
  await waitUntil('all are done', () => order.length === (until ?? all))
  return order
}

test('a list of queues is emptied in its order; others are left alone', async () => {
  assert.deepEqual(await orderOf(['b', 'a'], { a: 3, b: 3, c: 1 }, 1, 6), ['b', 'b', 'b', 'a', 'a', 'a'])
  assert.deepEqual(await orderOf('b, a', { a: 1, b: 1 }), ['b', 'a'])
})

test('all queues have their share', async () => {
  const order = await orderOf('*', { a: 600, b: 600, c: 600 })
  assert.equal(new Set(order.slice(0, 400)).size, 3)
  assert.equal(new Set(order.slice(-400)).size, 3)
})

test('patterns: those that are named come in their place', async () => {
  const order = await orderOf(['urgent', 'mail-*', '*'], { a: 2, 'mail-out': 1, urgent: 1, 'mail-in': 1 })
  assert.equal(order[0], 'urgent')
  assert.deepEqual(order.slice(1, 3).sort(), ['mail-in', 'mail-out'])
  assert.deepEqual(order.slice(3), ['a', 'a'])
})

test('weights: how much of the slots a queue gets', async () => {
  const order = await orderOf({ light: 1, heavy: 9 }, { heavy: 3_000, light: 3_000 }, 10)
  const heavy = order.slice(0, 2_000).filter((queue) => queue === 'heavy').length
  assert.ok(heavy > 1_500 && heavy < 1_990, `${heavy} of 2,000`)
})

test('a queue that is paused is left alone until it is resumed, over restarts', async () => {
  const job = defineJob({ name: 'job', perform: () => 'done' })
  await using producer = await jobsForTest([job], { work: false })
  const { jobs, database } = producer
  await jobs.pause('default')
  await jobs.pause('default')
  await using worker = await jobsForTest([job], { database })
  assert.ok(worker)
  const asleep = await jobs.enqueue(job)
  const awake = await jobs.enqueue(job, undefined, { queue: 'other' })
  await awake.result({ timeout: '5s' })
  assert.equal(asleep.state(), 'available')
  await jobs.resume('default')
  await asleep.result({ timeout: '5s' })
})

test('jobs of a paused queue that are due do not hold up those of others', async () => {
  const job = defineJob({ name: 'job', perform: () => 'done' })
  await using context = await jobsForTest([job], { work: { begin: 'later' } })
  const { jobs } = context
  await jobs.pause('paused')
  const at = Date.now() + 20
  await jobs.enqueueAll(job, Array.from({ length: 2_500 }), { queue: 'paused', at })
  const due = await jobs.enqueue(job, undefined, { at: at + 1 })
  await waitUntil('all are due', () => Date.now() > at + 1)
  await jobs.work()
  assert.equal(await due.result({ timeout: '5s' }), 'done')
})

test('any number of parked jobs is let in, in short writes', async () => {
  const job = defineJob({ name: 'job', perform: () => 'done' })
  await using context = await jobsForTest([job], { work: { begin: 'later' } })
  const { jobs, database } = context
  await jobs.pause('default')
  await jobs.enqueueAll(job, Array.from({ length: 10_000 }))
  await database.run('update handcar_jobs set blocked = 2 + id % 2')
  const before = database.stats().writes.committed
  await jobs.work()
  const parked = (): unknown => database.get('select 1 from handcar_jobs where blocked > 0 limit 1')
  await waitUntil('none is parked', () => parked() === undefined)
  assert.ok(database.stats().writes.committed - before >= 10)
})

test('priorities are looked at only in the queues that jobs are taken from', async ({ mock }) => {
  const gate = Promise.withResolvers<void>()
  const job = defineJob({ name: 'job', perform: () => gate.promise })
  await using context = await jobsForTest([job], { work: { slots: 1, begin: 'later' } })
  const { jobs } = context
  await jobs.enqueueAll(job, Array.from({ length: 300 }), (_, index) => ({ queue: `queue-${index}` }))
  const all = mock.method(Transaction.prototype, 'all')
  await jobs.work()
  await waitUntil('one runs', () => jobs.here!.running === 1)
  const looks = all.mock.calls.filter(({ arguments: [text] }) => text === selectPriorities).length
  assert.ok(looks > 0 && looks < 10, `${looks} looks`)
  gate.resolve()
})

test('a worker that leaves half of the time to others performs everything too', async () => {
  let done = 0
  const count = defineJob({ name: 'count', perform: () => void done++ })
  await using context = await jobsForTest([count], { work: { pace: 'half' } })
  await context.jobs.enqueueAll(count, Array<undefined>(2_000).fill(undefined))
  await context.jobs.drain()
  assert.equal(done, 2_000)
})
