import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../test/helpers/jobs.ts'
import { defineJob } from './define-job.ts'

test('a job that was enqueued is performed, and its result can be awaited', async () => {
  const greet = defineJob({ name: 'greet', perform: (payload: { name: string }) => `hello ${payload.name}` })
  await using context = await jobsForTest([greet])
  const handle = await context.jobs.enqueue(greet, { name: 'Ada' })
  assert.equal(await handle.result({ timeout: '5s' }), 'hello Ada')
  assert.equal(handle.state(), 'completed')
})
