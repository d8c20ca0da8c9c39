import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob, discard, type Jobs } from '../index.ts'

/** What the code of a job may do wrong. */

test('whatever a job throws is kept as its error', async () => {
  const things: [unknown, RegExp][] = [
    [undefined, /undefined was thrown/],
    [null, /null was thrown/],
    ['a text', /^a text$/],
    [{ code: 5 }, /^\{"code":5\}$/],
    [Symbol('odd'), /odd/],
    [5n, /cannot be shown|5/],
  ]
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    perform(index: number) {
      throw things[index]![0]
    },
  })
  await using context = await jobsForTest([job])
  await context.jobs.enqueueAll(job, [...things.keys()])
  await context.jobs.drain()
  const errors = context.database.all<{ error: string }>(
    'select error from handcar_job_errors order by job_id',
  )
  assert.equal(errors.length, things.length)
  errors.forEach(({ error }, index) => assert.match(error, things[index]![1]))
})

test('an attempt that fails is in the log, as a warning while others are left', async () => {
  const failure = new Error('no mail server')
  const job = defineJob({
    name: 'job',
    maxAttempts: 2,
    backoff: { first: 1 },
    perform() {
      throw failure
    },
  })
  const given = defineJob({ name: 'given', perform: () => discard('not needed') })
  await using context = await jobsForTest([job, given])
  const { id } = await context.jobs.enqueue(job)
  await context.jobs.enqueue(given)
  const told = () => context.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')
  await waitUntil('it is discarded', () => told().length === 2)
  assert.deepEqual(
    told().map(({ level, fields }) => ({ level, ...fields })),
    [
      { level: 'warn', job: 'job', jobId: id, attempt: 1, error: failure },
      { level: 'error', job: 'job', jobId: id, attempt: 2, error: failure },
    ],
  )
})

test('a job that blocks the thread delays the others, and nothing else', async () => {
  const order: string[] = []
  const block = defineJob({
    name: 'block',
    perform() {
      for (const endAt = performance.now() + 300; performance.now() < endAt;);
      order.push('block')
    },
  })
  const quick = defineJob({ name: 'quick', perform: () => void order.push('quick') })
  await using context = await jobsForTest([block, quick])
  const { jobs, database } = context
  await using other = await jobsForTest([block, quick], { database })
  await jobs.enqueue(block)
  await jobs.enqueueAll(quick, [undefined, undefined])
  assert.equal(await other.jobs.rescue(), 0)
  await jobs.drain()
  assert.deepEqual(order.toSorted(), ['block', 'quick', 'quick'])
  assert.deepEqual(database.get('select max(attempt) as most from handcar_jobs'), { most: 1 })
})

test('a job may enqueue, cancel itself, write and wait for another job', async () => {
  const inner = defineJob({ name: 'inner', perform: (n: number) => n * 2 })
  const outer = defineJob({
    name: 'outer',
    async perform(_: undefined, job) {
      const handle = await job.enqueue(inner, 21)
      await job.database.run('create table notes (text)')
      return handle.result({ timeout: '10s' })
    },
  })
  const tired = defineJob({
    name: 'tired',
    async perform(_: undefined, job) {
      await jobs.cancel(job.id, 'tired')
      if (!job.signal.aborted) await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
      job.signal.throwIfAborted()
    },
  })
  await using context = await jobsForTest([inner, outer, tired])
  const { jobs } = context
  assert.equal(await (await jobs.enqueue(outer)).result({ timeout: '10s' }), 42)
  const handle = await jobs.enqueue(tired)
  await waitUntil('it is cancelled', () => handle.state() === 'cancelled')
})

test('a job that stops the jobs is given back, for it would wait for itself', async () => {
  const holder: { jobs?: Jobs } = {}
  const job = defineJob({ name: 'job', perform: () => holder.jobs!.stop({ timeout: 200 }) })
  await using context = await jobsForTest([job])
  holder.jobs = context.jobs
  const handle = await context.jobs.enqueue(job)
  await waitUntil('it has stopped', () => context.jobs.state === 'stopped')
  assert.equal(
    context.database.get<{ state: string }>('select state from handcar_jobs where id = ?', [handle.id])!
      .state,
    'available',
  )
})

test('a job that logs without end keeps its newest lines', { timeout: 60_000 }, async () => {
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, context) {
      await context.log('x'.repeat(1_000_000))
      await Promise.all(Array.from({ length: 5_000 }, (_each, n) => context.log(`line ${n}`)))
    },
  })
  await using context = await jobsForTest([job])
  const { database } = context
  await (await context.jobs.enqueue(job)).result({ timeout: '30s' })
  const { lines, longest } = database.get<{ lines: number; longest: number }>(
    'select count(*) as lines, max(length(text)) as longest from handcar_job_logs',
  )!
  assert.ok(lines >= 1_000 && lines < 1_200, `${lines} lines`)
  assert.ok(longest < 10_000)
  assert.equal(
    database.get<{ text: string }>('select text from handcar_job_logs order by id desc')!.text,
    'line 4999',
  )
})
