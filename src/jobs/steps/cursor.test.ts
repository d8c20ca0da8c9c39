import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob } from '../index.ts'

const createDoubles = 'create table doubles (n integer primary key, double integer) strict'

test('a cursor and what is written with it move together: an attempt goes on where the last one stood', async () => {
  let attempts = 0
  const job = defineJob({
    name: 'job',
    maxAttempts: 2,
    backoff: { first: 1, jitter: 0 },
    async perform(last: number, job) {
      attempts++
      const cursor = await job.cursor('numbers', 0)
      while (cursor.value < last) {
        const n = cursor.value + 1
        await cursor.save(n, (tx) => {
          tx.run('insert into doubles values (?, ?)', [n, 2 * n])
          if (n % 3 === 0 && attempts === n / 3) throw new Error('interrupted')
        })
      }
      return cursor.value
    },
  })
  await using context = await jobsForTest([job])
  await context.database.run(createDoubles)
  // Three failures with two attempts: a cursor that moves begins to count anew.
  assert.equal(await (await context.jobs.enqueue(job, 10)).result(), 10)
  assert.equal(attempts, 4)
  assert.deepEqual(context.database.get('select count(*) as count, sum(double) as sum from doubles'), {
    count: 10,
    sum: 110,
  })
})

test('a cursor that is saved inside a transaction belongs to it', async () => {
  let attempts = 0
  const job = defineJob({
    name: 'job',
    backoff: { first: 1, jitter: 0 },
    async perform(_: undefined, job) {
      const cursor = await job.cursor<{ id: number }>('rows')
      const stood = cursor.value
      await job.database.write(async () => {
        await cursor.save({ id: 1 + (stood?.id ?? 0) })
        if (attempts++ === 0) throw new Error('taken back')
      })
      return [stood ?? null, cursor.value]
    },
  })
  await using context = await jobsForTest([job])
  assert.deepEqual(await (await context.jobs.enqueue(job)).result(), [null, { id: 1 }])
})

test('a long loop leaves when the process stops, after it has saved, and ends when it is cancelled', async () => {
  const seen: number[] = []
  let goOn = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      const cursor = await job.cursor('n', 0)
      for (let n = cursor.value; n < 10; n++) {
        seen.push(n)
        if (n === 3 || n === 5) await goOn.promise
        await cursor.save(n + 1)
      }
    },
  })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  const { id } = await jobs.enqueue(job)
  await waitUntil('it is at 3', () => seen.length === 4)
  const stopped = jobs.stop({ timeout: '60s' })
  goOn.resolve()
  await stopped
  assert.deepEqual(seen, [0, 1, 2, 3])
  goOn = Promise.withResolvers()
  await jobs.start()
  await waitUntil('it is at 5', () => seen.length === 6)
  const row = () =>
    database.get<{ state: string; result: string }>('select state from handcar_jobs where id = ?', [id])!
  await jobs.cancel(id, 'enough')
  goOn.resolve()
  await waitUntil('it was cancelled', () => row().state === 'cancelled')
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5])
  assert.deepEqual(database.get('select result from handcar_job_steps'), { result: '6' })
})

test('a cursor takes JSON, also none', async () => {
  const codes: unknown[] = []
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    async perform(value: string, job) {
      const cursor = await job.cursor<unknown>('c', 'initial')
      const values: Record<string, unknown> = { function: () => {}, large: 'x'.repeat(2_000), undefined }
      codes.push(await codeOf(() => cursor.save(values[value])))
    },
  })
  await using context = await jobsForTest([job], { maxPayload: 1_000 })
  for (const value of ['function', 'large'])
    await codeOf(async () => (await context.jobs.enqueue(job, value)).result())
  assert.deepEqual(codes, ['HANDCAR_JOB_PAYLOAD', 'HANDCAR_JOB_PAYLOAD'])
})

test('only a cursor that has moved for good begins to count the attempts anew', async () => {
  const job = defineJob({
    name: 'job',
    maxAttempts: 3,
    backoff: { first: 1, jitter: 0 },
    async perform(how: 'stands' | 'is taken back', job) {
      const cursor = await job.cursor('n', 0)
      if (how === 'stands') {
        await cursor.save(1)
      } else {
        await job.database.write(async () => {
          await cursor.save(cursor.value + 1)
          throw new Error('taken back')
        })
      }
      throw new Error('no progress')
    },
  })
  await using context = await jobsForTest([job])
  for (const [how, failures] of [
    ['stands', 4],
    ['is taken back', 3],
  ] as const) {
    const handle = await context.jobs.enqueue(job, how)
    assert.equal(await codeOf(() => handle.result()), 'HANDCAR_JOB_ENDED')
    const errors = context.database.all('select 1 from handcar_job_errors where job_id = ?', [handle.id])
    // The first attempt of the first has moved it.
    assert.equal(errors.length, failures - (how === 'stands' ? 1 : 0), how)
  }
})
