import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { defineJob, discard, type Batch } from '../index.ts'

const double = defineJob({ name: 'double', perform: (n: number) => 2 * n })
const fail = defineJob({ name: 'fail', perform: () => discard('broken') })

test('callbacks are enqueued when all jobs have ended, and see their results', async () => {
  const seen: unknown[] = []
  const tell = defineJob({
    name: 'tell',
    async perform(what: string, job) {
      const batch = job.batch!
      seen.push([what, batch.state(), batch.metadata(), await batch.results()])
    },
  })
  await using context = await jobsForTest([double, fail, tell])
  const { jobs } = context
  const options = {
    name: 'numbers',
    metadata: { user: 1 },
    onSuccess: { job: tell, payload: 'success' },
    onFailure: { job: tell, payload: 'failure' },
    onFinish: { job: tell, payload: 'finish' },
  }
  const good: Batch = await jobs.batch(options, (batch) => {
    batch.enqueue(double, 1)
    batch.enqueueAll(double, [2, 3])
  })
  const ended = await good.wait({ timeout: '5s' })
  assert.deepEqual(ended, {
    state: 'completed',
    total: 3,
    pending: 0,
    completed: 3,
    discarded: 0,
    cancelled: 0,
  })
  const bad = await jobs.batch(options, (batch) => {
    batch.enqueue(double, 4)
    batch.enqueue(fail)
  })
  assert.equal((await bad.wait({ timeout: '5s' })).state, 'failed')
  await jobs.drain()
  assert.deepEqual(seen, [
    ['success', 'completed', { user: 1 }, [2, 4, 6]],
    ['finish', 'completed', { user: 1 }, [2, 4, 6]],
    ['failure', 'failed', { user: 1 }, [8]],
    ['finish', 'failed', { user: 1 }, [8]],
  ])
})
