import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob, type UniqueOptions } from '../index.ts'

test('a second job with the same key is not enqueued while the first is unfinished', async () => {
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    unique: ({ post }) => `post ${post}`,
    perform: ({ post }: { post: number }) => goOn.promise.then(() => post),
  })
  await using context = await jobsForTest([job])
  const { jobs } = context
  const first = await jobs.enqueue(job, { post: 1 })
  const [second, other] = await jobs.enqueueAll(job, [{ post: 1 }, { post: 2 }])
  assert.deepEqual([second!.id, second!.wasEnqueued, other!.wasEnqueued], [first.id, false, true])
  await waitUntil('it runs', () => first.state() === 'running')
  assert.equal((await jobs.enqueue(job, { post: 1 })).id, first.id)
  goOn.resolve()
  await first.result()
  assert.equal((await jobs.enqueue(job, { post: 1 })).wasEnqueued, true)
})

test('while it waits only: a job that runs does not count, and its retry does not fail', async () => {
  const clock = new FakeClock()
  let attempts = 0
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    backoff: { first: 1_000, jitter: 0 },
    unique: () => ({ key: 'one', while: 'waiting' }),
    async perform() {
      if (++attempts > 1) return
      await goOn.promise
      throw new Error('again')
    },
  })
  await using context = await jobsForTest([job], { clock, work: { slots: 1 } })
  const { jobs } = context
  const first = await jobs.enqueue(job)
  await waitUntil('it runs', () => first.state() === 'running')
  const second = await jobs.enqueue(job)
  assert.equal(second.wasEnqueued, true)
  assert.equal((await jobs.enqueue(job)).id, second.id)
  goOn.resolve()
  await second.result()
  await waitUntil(
    'it waits for its retry',
    () => first.state() === 'retryable' && clock.nextTimer !== undefined,
  )
  clock.advance(1_000)
  await first.result()
})

const conflicts: [NonNullable<UniqueOptions['onConflict']>, object][] = [
  ['keep', { payload: '1', state: 'scheduled', after: 10_000 }],
  ['replace', { payload: '2', state: 'scheduled', after: 10_000 }],
  ['reschedule', { payload: '2', state: 'scheduled', after: 21_000 }],
]
for (const [onConflict, expected] of conflicts) {
  test(`on conflict: ${onConflict}`, async () => {
    const clock = new FakeClock()
    const start = clock.now()
    const job = defineJob({
      name: 'job',
      unique: () => ({ key: 'one', onConflict }),
      perform: (n: number) => n,
    })
    await using context = await jobsForTest([job], { clock })
    const { jobs, database } = context
    const first = await jobs.enqueue(job, 1, { in: '10s' })
    clock.advance(1_000)
    const second = await jobs.enqueue(job, 2, { in: '20s' })
    assert.deepEqual([second.id, second.wasEnqueued], [first.id, false])
    const row = database.get('select payload, state, scheduled_at - ? as after from handcar_jobs', [start])
    assert.deepEqual(row, expected)
  })
}

test('for a period: whatever has become of the first', async () => {
  const clock = new FakeClock()
  const job = defineJob({ name: 'job', unique: () => ({ key: 'one', for: '1h' }), perform: () => {} })
  await using context = await jobsForTest([job], { clock })
  const { jobs } = context
  const first = await jobs.enqueue(job)
  await first.result()
  clock.advance(3_599_999)
  assert.equal((await jobs.enqueue(job)).id, first.id)
  clock.advance(1)
  const next = await jobs.enqueue(job)
  assert.equal(next.wasEnqueued, true)
  await next.result()
})

test('a cancelled job gives up its key', async () => {
  const job = defineJob({ name: 'job', unique: () => 'one', perform: () => {} })
  await using context = await jobsForTest([job], { work: false })
  const first = await context.jobs.enqueue(job)
  assert.equal(await first.cancel('no'), true)
  assert.equal((await context.jobs.enqueue(job)).wasEnqueued, true)
})
