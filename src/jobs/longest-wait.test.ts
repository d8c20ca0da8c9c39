import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../test/helpers/jobs.ts'
import { FakeClock } from '../testing/index.ts'
import { defineJob } from './index.ts'

test('the longest wait is that of the next jobs, of any queue and priority that is not paused', async () => {
  const clock = new FakeClock()
  const job = defineJob({ name: 'job', perform() {} })
  await using context = await jobsForTest([job], { work: false, clock })
  const { jobs } = context
  assert.equal(jobs.longestWait(), undefined)
  await jobs.enqueue(job, undefined, { queue: 'slow', priority: 5 })
  clock.advance(1_000)
  await jobs.enqueue(job, undefined, { queue: 'slow' })
  await jobs.enqueue(job, undefined, { queue: 'later', in: '1h' })
  await jobs.enqueue(job)
  clock.advance(500)
  assert.deepEqual(jobs.longestWait(), { queue: 'slow', duration: 1_500 })
  await jobs.pause('slow')
  assert.deepEqual(jobs.longestWait(), { queue: 'default', duration: 500 })
})
