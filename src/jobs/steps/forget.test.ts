import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob } from '../index.ts'

test('a job that is retried goes on where it stood, with new tries; one that had completed begins anew', async () => {
  const runs: string[] = []
  const keys = new Set<string>()
  let isBroken = true
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    async perform(_: undefined, job) {
      await job.step('first', () => runs.push('first'))
      await job.step(
        'second',
        ({ key }) => {
          keys.add(key)
          runs.push('second')
          if (isBroken) throw new Error('broken')
        },
        { maxAttempts: 2, backoff: { first: 1 } },
      )
    },
  })
  await using context = await jobsForTest([job])
  const { jobs } = context
  const handle = await jobs.enqueue(job)
  await errorOf(() => handle.result())
  assert.deepEqual(runs.splice(0), ['first', 'second', 'second'])
  isBroken = false
  await jobs.retry(handle.id)
  await handle.result()
  assert.deepEqual(runs.splice(0), ['second'])
  assert.equal(keys.size, 1)
  await jobs.retry({ ids: [handle.id], state: 'completed' })
  await waitUntil('it ran again', () => runs.length === 2)
  assert.deepEqual(runs, ['first', 'second'])
})
