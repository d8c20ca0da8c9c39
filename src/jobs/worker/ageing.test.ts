import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob } from '../index.ts'

const start = async (ageing: number) => {
  const clock = new FakeClock()
  const order: string[] = []
  const job = defineJob({
    name: 'job',
    perform(what: string) {
      order.push(what)
      clock.advance(100)
    },
  })
  await using producer = await jobsForTest([job], { work: false, clock })
  const { database, jobs } = producer
  await jobs.enqueueAll(job, ['old', 'old'], { priority: 3 })
  clock.advance(30_001)
  await jobs.enqueueAll(
    job,
    Array.from({ length: 6 }, () => 'urgent'),
  )
  await using worker = await jobsForTest([job], { database, clock, work: { slots: 1, ageing } })
  assert.ok(worker)
  await waitUntil('all are done', () => order.length === 8)
  return order.indexOf('old')
}

test('a job of a large priority gets its turn when it has waited for long', async () => {
  assert.equal(await start(10_000), 6)
  assert.equal(await start(7_000), 0)
  assert.equal(await start(0), 6)
})
