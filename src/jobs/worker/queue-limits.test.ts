import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob, Jobs } from '../index.ts'

/** A job of a queue that knows how many of it run at once. */
function countingJob() {
  let running = 0
  const seen = { most: 0, done: 0 }
  const job = defineJob({
    name: 'counting',
    queue: 'mail',
    async perform(isCompletedHere: boolean, context) {
      seen.most = Math.max(seen.most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running--
      if (isCompletedHere) await context.complete()
      seen.done++
    },
  })
  return { job, seen }
}

const queues = { mail: { limit: 3 } }

test('never more jobs of a queue run than its limit, in two workers; other queues do not mind', async () => {
  const { job, seen } = countingJob()
  const other = defineJob({ name: 'other', perform: () => 'done' })
  await using first = await jobsForTest([job, other], { queues, work: { slots: 8 } })
  const { database, jobs } = first
  await using second = await jobsForTest([job, other], { database, queues, work: { slots: 8 } })
  assert.ok(second)
  await jobs.enqueueAll(
    job,
    Array.from({ length: 200 }, (_, n) => n % 2 === 0),
  )
  const handle = await jobs.enqueue(other)
  assert.equal(await handle.result({ timeout: '10s' }), 'done')
  await waitUntil('all are done', () => seen.done === 200)
  assert.equal(seen.most, 3)
})

test('a full queue costs no turns, and its next job begins when a place is free in another process', async () => {
  const goOn = Promise.withResolvers<void>()
  const slow = defineJob({ name: 'slow', queue: 'mail', perform: () => goOn.promise })
  const limit = { mail: { limit: 1 } }
  await using first = await jobsForTest([slow], { queues: limit, work: { slots: 1 } })
  const { database, jobs } = first
  const running = await jobs.enqueue(slow)
  await waitUntil('it runs', () => running.state() === 'running')
  await using second = await jobsForTest([slow], { database, queues: limit })
  const next = await jobs.enqueue(slow)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { batches } = database.stats().writes
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(database.stats().writes.batches, batches)
  assert.equal(next.state(), 'available')
  goOn.resolve()
  await next.result({ timeout: '10s' })
  assert.ok(second)
})

test('wrong settings of queues are refused', async () => {
  await using context = await jobsForTest([], { work: false })
  const { database } = context
  const wrong = [5, [], { mail: 5 }, { mail: { limit: 0 } }, { mail: { limits: 1 } }]
  for (const queues of wrong) {
    assert.throws(() => new Jobs({ database, queues: queues as never }), /Jobs option "queues"/)
  }
})
