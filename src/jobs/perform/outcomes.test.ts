import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { sql } from '../../database/index.ts'
import { FakeClock } from '../../testing/index.ts'
import { cancel, defineJob, discard, retryAfter, snooze } from '../index.ts'

interface Row {
  state: string
  attempt: number
  reason: string | null
  scheduled_at: number | null
  result: string | null
}
const select = 'select state, attempt, reason, scheduled_at, result from handcar_jobs where id = ?'

test('a failed attempt is retried after its back-off, and its error is kept', async () => {
  const clock = new FakeClock()
  const flaky = defineJob({
    name: 'flaky',
    backoff: { first: '10s', factor: 3, jitter: 0 },
    maxAttempts: 3,
    perform(_payload: undefined, job) {
      throw new TypeError(`attempt ${job.attempt}`)
    },
  })
  await using context = await jobsForTest([flaky], { clock })
  const { database, jobs } = context
  const { id } = await jobs.enqueue(flaky)
  const row = () => database.get<Row>(select, [id])!
  await waitUntil('it was tried once', () => row().state === 'retryable')
  assert.equal(row().scheduled_at, clock.now() + 10_000)
  await waitUntil('the timer is set', () => clock.nextTimer === clock.now() + 10_000)
  clock.advance(9_999)
  assert.equal(row().state, 'retryable')
  clock.advance(1)
  await waitUntil('it was tried twice', () => row().state === 'retryable' && row().attempt === 2)
  await waitUntil('the timer is set', () => clock.nextTimer === clock.now() + 30_000)
  clock.advance(30_000)
  await waitUntil('it was given up', () => row().state === 'discarded')
  assert.deepEqual(row(), {
    state: 'discarded',
    attempt: 3,
    reason: 'TypeError: attempt 3',
    scheduled_at: null,
    result: null,
  })
  const errors = database.all<{ attempt: number; error: string; stack: string }>(
    'select attempt, error, stack from handcar_job_errors order by claim',
  )
  assert.deepEqual(
    errors.map(({ attempt, error }) => [attempt, error]),
    [
      [1, 'TypeError: attempt 1'],
      [2, 'TypeError: attempt 2'],
      [3, 'TypeError: attempt 3'],
    ],
  )
  assert.match(errors[0]!.stack, /outcomes\.test\.ts/)
})

test('an outcome says what becomes of the job; a snooze does not count', async () => {
  const clock = new FakeClock()
  const outcomes = {
    snooze: () => snooze('5m', 'not yet'),
    discard: () => discard('wrong number'),
    cancel: () => cancel('not needed'),
    retryAfter: () => retryAfter('7s', 'too many requests'),
    thrown: () => {
      throw snooze('1m')
    },
  }
  const job = defineJob({
    name: 'job',
    perform: ({ kind }: { kind: keyof typeof outcomes }) => outcomes[kind](),
  })
  await using context = await jobsForTest([job], { clock })
  const rowOf = async (kind: keyof typeof outcomes): Promise<Row> => {
    const { id } = await context.jobs.enqueue(job, { kind })
    const row = () => context.database.get<Row>(select, [id])!
    await waitUntil('it was performed', () => !['available', 'running'].includes(row().state))
    return row()
  }
  const rest = { result: null }
  const now = clock.now()
  const at = (milliseconds: number) => now + milliseconds
  assert.deepEqual(await rowOf('snooze'), {
    state: 'scheduled',
    attempt: 0,
    reason: 'not yet',
    scheduled_at: at(300_000),
    ...rest,
  })
  assert.deepEqual(await rowOf('thrown'), {
    state: 'scheduled',
    attempt: 0,
    reason: null,
    scheduled_at: at(60_000),
    ...rest,
  })
  assert.deepEqual(await rowOf('retryAfter'), {
    state: 'retryable',
    attempt: 1,
    reason: 'too many requests',
    scheduled_at: at(7_000),
    ...rest,
  })
  assert.deepEqual(await rowOf('discard'), {
    state: 'discarded',
    attempt: 1,
    reason: 'wrong number',
    scheduled_at: null,
    ...rest,
  })
  assert.deepEqual(await rowOf('cancel'), {
    state: 'cancelled',
    attempt: 1,
    reason: 'not needed',
    scheduled_at: null,
    ...rest,
  })
})

test('a policy looks at the error; one that fails itself changes nothing', async () => {
  const job = defineJob({
    name: 'job',
    onError(error) {
      if (error === 'policy') throw new Error('oops')
      return error === 'fatal' ? 'discard' : retryAfter('1h')
    },
    perform({ error }: { error: string }) {
      // oxlint-disable-next-line typescript/only-throw-error -- jobs may throw anything
      throw error
    },
  })
  await using context = await jobsForTest([job])
  const { jobs, logger } = context
  const fatal = await jobs.enqueue(job, { error: 'fatal' })
  const later = await jobs.enqueue(job, { error: 'later' })
  const policy = await jobs.enqueue(job, { error: 'policy' })
  const error = await errorOf(() => fatal.result())
  assert.equal(error.code, 'HANDCAR_JOB_ENDED')
  assert.match(error.message, /was discarded: fatal/)
  await waitUntil('they were tried', () => later.state() === 'retryable' && policy.state() === 'retryable')
  assert.ok(logger.lines.some(({ message }) => message === 'onError of a job failed'))
})

test('a result that is not JSON is lost, but the job has completed', async () => {
  const job = defineJob({ name: 'job', perform: () => new Map() })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.equal(await handle.result(), undefined)
  assert.match(context.database.get<Row>(select, [handle.id])!.reason!, /result of job "job" is not JSON/)
})

test('complete() commits the effects of a job with its completion', async () => {
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    async perform({ fails }: { fails: boolean }, context) {
      return context.complete((tx) => {
        tx.run(sql`insert into effects (job) values (${context.id})`)
        if (fails) throw new Error('no')
        return { effect: context.id }
      })
    },
  })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  await database.run('create table effects (job integer) strict')
  const good = await jobs.enqueue(job, { fails: false })
  const bad = await jobs.enqueue(job, { fails: true })
  assert.deepEqual(await good.result(), { effect: good.id })
  assert.equal(await codeOf(() => bad.result()), 'HANDCAR_JOB_ENDED')
  assert.deepEqual(database.all('select job from effects'), [{ job: good.id }])
})

test('an attempt whose job was given to somebody else writes nothing', async () => {
  let code: string | undefined
  const started = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    async perform(_payload: undefined, context) {
      started.resolve()
      await goOn.promise
      code = await codeOf(() => context.complete((tx) => tx.run('insert into effects values (1)')))
      return 'late'
    },
  })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  await database.run('create table effects (job integer) strict')
  const handle = await jobs.enqueue(job)
  await started.promise
  await database.run("update handcar_jobs set claims = claims + 1, state = 'completed', result = '\"other\"'")
  goOn.resolve()
  await waitUntil('it has tried', () => code !== undefined)
  assert.equal(code, 'HANDCAR_JOB_CLAIM_LOST')
  assert.deepEqual(database.all('select * from effects'), [])
  assert.equal(await handle.result(), 'other')
})

test('a transactional job happens exactly once with its completion, or not at all', async () => {
  const job = defineJob({
    name: 'job',
    transactional: true,
    maxAttempts: 1,
    async perform({ fails }: { fails: boolean }, context) {
      const { database } = context.engine
      await database.run('insert into effects values (?)', [context.id])
      if (fails) throw new Error('no')
      return 'done'
    },
  })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  await database.run('create table effects (job integer) strict')
  const good = await jobs.enqueue(job, { fails: false })
  const bad = await jobs.enqueue(job, { fails: true })
  assert.equal(await good.result(), 'done')
  assert.equal(await codeOf(() => bad.result()), 'HANDCAR_JOB_ENDED')
  assert.deepEqual(database.all('select job from effects'), [{ job: good.id }])
})

test('progress, logs and the logger name the job', async () => {
  const job = defineJob({
    name: 'job',
    async perform(_payload: undefined, context) {
      await context.progress({ done: 1, of: 2 })
      await context.log('half way')
      context.logger.info({ more: 1 }, 'hello')
      return context.name
    },
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.equal(await handle.result(), 'job')
  assert.deepEqual(context.database.get('select progress from handcar_jobs'), {
    progress: '{"done":1,"of":2}',
  })
  assert.deepEqual(context.database.all('select job_id, text from handcar_job_logs'), [
    { job_id: handle.id, text: 'half way' },
  ])
  const line = context.logger.lines.find(({ message }) => message === 'hello')
  assert.deepEqual(line?.fields, { job: 'job', jobId: handle.id, more: 1 })
})
