import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob, type StandardSchema } from '../index.ts'

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

const conflicts: ['keep' | 'replace' | 'reschedule', object][] = [
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

test('on conflict: merge both payloads into the first job', async () => {
  const job = defineJob({
    name: 'job',
    unique: () => ({ key: 'one', onConflict: { merge: (waiting, added) => [...waiting, ...added] } }),
    perform: (ids: number[]) => ids,
  })
  await using context = await jobsForTest([job], { work: false })
  const { jobs, database } = context
  const first = await jobs.enqueue(job, [1])
  const all = await jobs.enqueueAll(job, [[2], [3]])
  assert.deepEqual(
    all.map(({ id, wasEnqueued }) => [id, wasEnqueued]),
    [
      [first.id, false],
      [first.id, false],
    ],
  )
  assert.deepEqual(database.get('select payload from handcar_jobs'), { payload: '[1,2,3]' })
  const merge = (waiting: number[], added: number[]) => [...added, ...waiting]
  await jobs.enqueue(job, [0], { unique: { key: 'one', onConflict: { merge } } })
  assert.deepEqual(database.get('select payload from handcar_jobs'), { payload: '[0,1,2,3]' })
  await using worker = await jobsForTest([job], { database })
  assert.ok(worker)
  assert.deepEqual(await first.result({ timeout: '5s' }), [0, 1, 2, 3])
})

test('a merge that is refused takes the enqueue back, and leaves the first job as it was', async () => {
  const schema: StandardSchema<number, number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        (value as number) < 10 ? { value: value as number } : { issues: [{ message: 'too large' }] },
    },
  }
  const job = defineJob({
    name: 'job',
    unique: () => ({ key: 'one', onConflict: { merge: (waiting, added) => waiting + added } }),
    schema,
    perform: (n) => n,
  })
  await using context = await jobsForTest([job], { work: false })
  const { jobs, database } = context
  await jobs.enqueue(job, 6)
  assert.equal(await codeOf(() => jobs.enqueue(job, 7)), 'HANDCAR_JOB_PAYLOAD')
  assert.deepEqual(database.get('select payload from handcar_jobs'), { payload: '6' })
  await database.run("update handcar_jobs set payload = '{'")
  const error = await errorOf(() => jobs.enqueue(job, 1))
  assert.match(
    error.message,
    /The payload of job 1 \("job"\) cannot be merged with another: its payload is not JSON/,
  )
})

test('to throttle: the first of a period runs at once, or the last one at its end', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  const leading = defineJob({
    name: 'leading',
    unique: () => ({ key: 'one', for: '1m' }),
    perform: (n: number) => void ran.push(`leading ${n}`),
  })
  const trailing = defineJob({
    name: 'trailing',
    unique: () => ({ key: 'one', while: 'waiting', onConflict: 'replace' }),
    perform: (n: number) => void ran.push(`trailing ${n}`),
  })
  await using context = await jobsForTest([leading, trailing], { clock })
  const { jobs } = context
  const [first] = await jobs.enqueueAll(leading, [1, 2, 3])
  const [last] = await jobs.enqueueAll(trailing, [1, 2, 3], { in: '1m' })
  await first!.result()
  assert.deepEqual(ran, ['leading 1'])
  await waitUntil('the timer is set', () => clock.nextTimer !== undefined)
  clock.advance(60_000)
  await last!.result()
  assert.deepEqual(ran, ['leading 1', 'trailing 3'])
})

test('wrong options of a conflict are refused', async () => {
  const job = defineJob({ name: 'job', perform: () => {} })
  await using context = await jobsForTest([job], { work: false })
  for (const onConflict of ['drop', 5, {}, { merge: 1 }]) {
    const unique = { key: 'one', onConflict: onConflict as never }
    assert.equal(
      await codeOf(() => context.jobs.enqueue(job, undefined, { unique })),
      'HANDCAR_OPTION_INVALID',
    )
  }
})

test('a job that waits for another one goes on to when it is rescheduled by a further enqueue', async () => {
  const ran: string[] = []
  const first = defineJob({ name: 'first', perform: () => void ran.push('first') })
  const second = defineJob({
    name: 'second',
    unique: () => ({ key: 'one', onConflict: 'reschedule' }),
    perform: (text: string) => void ran.push(text),
  })
  await using context = await jobsForTest([first, second], { work: { begin: 'later' } })
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    flow.add('second', second, 'old', { dependsOn: 'first' })
    flow.add('first', first, undefined, { in: 100 })
  })
  const again = await jobs.enqueue(second, 'new')
  assert.equal(again.id, flow.job('second')!.id)
  await jobs.work()
  await flow.wait({ timeout: '5s' })
  assert.deepEqual(ran, ['first', 'new'])
})
