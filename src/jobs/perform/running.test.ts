import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { HandcarError } from '../../core/index.ts'
import { defineJob, type JobContext, type StandardSchema } from '../index.ts'

/** Ends when its signal aborts, with the signal's reason. */
const untilAborted = ({ signal }: JobContext): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

const listening = defineJob({ name: 'listening', perform: (_: undefined, job) => untilAborted(job) })

test('a running job is cancelled by its signal, which names the reason; from another instance too', async () => {
  let reason: unknown
  const job = defineJob({
    name: 'job',
    perform: (_: undefined, context) =>
      untilAborted(context).catch((error: unknown) => ((reason = error), Promise.reject(error))),
  })
  await using context = await jobsForTest([job])
  await using other = await jobsForTest([job], { database: context.database, work: false })
  const handle = await other.jobs.enqueue(job)
  await waitUntil('it runs', () => handle.state() === 'running')
  assert.equal(await handle.cancel('user left'), true)
  await waitUntil('it was cancelled', () => handle.state() === 'cancelled')
  assert.ok(reason instanceof HandcarError)
  assert.equal(reason.code, 'HANDCAR_JOB_CANCELLED')
  assert.match(reason.message, /user left/)
  assert.equal(await handle.cancel('again'), false)
  assert.equal(await codeOf(() => handle.result()), 'HANDCAR_JOB_ENDED')
})

test('a waiting job is cancelled at once', async () => {
  await using context = await jobsForTest([listening], { work: false })
  const handle = await context.jobs.enqueue(listening, undefined, { in: '1h' })
  const result = handle.result()
  assert.equal(await handle.cancel('no'), true)
  assert.equal(handle.state(), 'cancelled')
  assert.equal(await codeOf(() => result), 'HANDCAR_JOB_ENDED')
})

test('an attempt that takes too long is aborted and counts as failed', async () => {
  const job = defineJob({
    name: 'job',
    timeout: 20,
    maxAttempts: 1,
    perform: (_: undefined, context) => untilAborted(context),
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.equal(await codeOf(() => handle.result()), 'HANDCAR_JOB_ENDED')
  const { reason } = context.database.get<{ reason: string }>('select reason from handcar_jobs')!
  assert.match(reason, /TimeoutError: Job 1 \("job"\) was not done after 20 ms/)
})

test('a job that completes although its signal says otherwise has completed', async () => {
  const job = defineJob({
    name: 'job',
    timeout: 10,
    perform: async (_: undefined, context) => untilAborted(context).catch(() => 'done anyway'),
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.equal(await handle.result(), 'done anyway')
})

test(
  'a job that does not listen to its signal is given up, and its slot is free again',
  { timeout: 30_000 },
  async () => {
    const deaf = defineJob({
      name: 'deaf',
      timeout: 10,
      maxAttempts: 1,
      perform: () => new Promise<void>(() => {}),
    })
    const quick = defineJob({ name: 'quick', perform: () => 'quick' })
    await using context = await jobsForTest([deaf, quick], { work: { slots: 1 } })
    const handle = await context.jobs.enqueue(deaf)
    const next = await context.jobs.enqueue(quick)
    assert.equal(await next.result({ timeout: '20s' }), 'quick')
    assert.equal(handle.state(), 'discarded')
    assert.ok(context.logger.lines.some(({ message }) => /does not end/.test(message)))
  },
)

test('stop() waits for running jobs', async () => {
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({ name: 'job', perform: () => goOn.promise })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  const next = await context.jobs.enqueue(job, undefined, { queue: 'other' })
  await waitUntil('both run', () => handle.state() === 'running' && next.state() === 'running')
  const stopped = context.jobs.stop({ timeout: '10s' })
  goOn.resolve()
  await stopped
  assert.deepEqual([handle.state(), next.state()], ['completed', 'completed'])
})

test('stop() gives back what does not end in time, without counting the attempt', async () => {
  const deaf = defineJob({ name: 'deaf', maxAttempts: 1, perform: () => new Promise<void>(() => {}) })
  await using context = await jobsForTest([deaf, listening])
  const { jobs, database, logger } = context
  const first = await jobs.enqueue(deaf)
  const second = await jobs.enqueue(listening)
  await waitUntil('both run', () => first.state() === 'running' && second.state() === 'running')
  await jobs.stop({ timeout: 200 })
  const rows = database.all('select state, attempt, claims, crashes from handcar_jobs order by id')
  const given = { state: 'available', attempt: 0, claims: 1, crashes: 0 }
  assert.deepEqual(rows, [given, given])
  assert.deepEqual(
    logger.lines.filter(({ message }) => /will run again/.test(message)).map(({ fields }) => fields),
    [{ job: 'deaf', jobId: first.id }],
  )
  assert.deepEqual(database.all('select id from handcar_job_workers where stopped_at is null'), [])
})

test('a job that the process does not know is parked, and runs where it is known', async () => {
  const job = defineJob({ name: 'job', perform: () => 'done' })
  const known = defineJob({ name: 'known', perform: () => 'known' })
  await using producer = await jobsForTest([job, known], { work: false })
  const { database } = producer
  const handle = await producer.jobs.enqueue(job)
  await using ignorant = await jobsForTest([known], { database })
  const parked = () =>
    database.get<{ reason: string; blocked: number; attempt: number }>(
      'select reason, blocked, attempt from handcar_jobs where id = ?',
      [handle.id],
    )!
  await waitUntil('it is parked', () => parked().blocked === 2)
  assert.deepEqual(parked(), { reason: 'parked: a process knew no job "job"', blocked: 2, attempt: 0 })
  assert.equal(await (await ignorant.jobs.enqueue(known)).result(), 'known')
  await using knowing = await jobsForTest([job, known], { database })
  assert.ok(knowing)
  assert.equal(await handle.result({ timeout: '5s' }), 'done')
})

test('a payload of an older version is upcast; of a newer one, or one that cannot be, is parked', async () => {
  const first = defineJob({ name: 'job', perform: (payload: { name: string }) => payload.name })
  const second = defineJob({
    name: 'job',
    version: 2,
    upcast: (payload) => ({ first: (payload as { name: string }).name.toUpperCase() }),
    perform: (payload: { first: string }) => payload.first,
  })
  await using producer = await jobsForTest([first], { work: false })
  const { database } = producer
  const handle = await producer.jobs.enqueue(first, { name: 'ada' })
  const broken = await producer.jobs.enqueue(first, {} as never)
  await using worker = await jobsForTest([second], { database })
  assert.equal(await handle.result({ timeout: '5s' }), 'ADA')
  const rowOf = (id: number) =>
    database.get<{ blocked: number; reason: string }>(
      'select blocked, reason from handcar_jobs where id = ?',
      [id],
    )!
  await waitUntil('it is parked', () => rowOf(broken.id).blocked === 3)
  assert.match(rowOf(broken.id).reason, /could not be upcast: TypeError/)
  await worker.jobs.stop()
  const newer = await producer.jobs.enqueue(first, { name: 'bob' })
  await database.run('update handcar_jobs set version = 2 where id = ?', [newer.id])
  await using old = await jobsForTest([first], { database })
  assert.ok(old)
  await waitUntil('it is parked', () => rowOf(newer.id).blocked === 2)
  assert.match(rowOf(newer.id).reason, /its payload has version 2, this process knows version 1/)
})

test('a stored payload that fails its schema is parked with the reason, until a process starts that takes it', async () => {
  const schemaThat = (isStrict: boolean): StandardSchema<{ n: number }> => ({
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        isStrict
          ? { issues: [{ message: 'too small', path: [{ key: 'n' }] }] }
          : { value: value as { n: number } },
    },
  })
  const define = (isStrict: boolean) =>
    defineJob({ name: 'job', schema: schemaThat(isStrict), perform: ({ n }) => n })
  const lax = define(false)
  await using producer = await jobsForTest([lax], { work: false })
  const { database } = producer
  const handle = await producer.jobs.enqueue(lax, { n: 1 })
  {
    await using strict = await jobsForTest([define(true)], { database })
    assert.ok(strict)
    await waitUntil(
      'it is parked',
      () => database.get<{ blocked: number }>('select blocked from handcar_jobs')!.blocked === 3,
    )
    assert.deepEqual(database.get('select reason, attempt from handcar_jobs'), {
      reason: 'parked: its payload does not fit its schema: n: too small',
      attempt: 0,
    })
  }
  await using worker = await jobsForTest([lax], { database })
  assert.ok(worker)
  assert.equal(await handle.result({ timeout: '5s' }), 1)
})

test('a job is told to end that is cancelled between its claim and its start', async () => {
  const ending = Promise.withResolvers<void>()
  let wasStarted = false
  const slow = defineJob({
    name: 'slow',
    onCrash: 'discard',
    async perform(_payload: undefined, job) {
      wasStarted = true
      job.signal.addEventListener('abort', () => ending.resolve())
      if (job.signal.aborted) ending.resolve()
      await ending.promise
      job.signal.throwIfAborted()
    },
  })
  await using context = await jobsForTest([slow])
  const { jobs, database } = context
  const handle = await jobs.enqueue(slow)
  // Such a job begins only when its claim is on disk.
  const unsubscribe = database.onCommit(() => {
    if (wasStarted || handle.state() !== 'running') return
    unsubscribe()
    void handle.cancel('not needed')
  })
  await waitUntil('it is cancelled', () => handle.state() === 'cancelled')
})

test('a payload that a job enqueues and that is refused rolls back a synchronous body too', async () => {
  const child = defineJob({ name: 'child', perform: (n: number) => n })
  const parent = defineJob({
    name: 'parent',
    maxAttempts: 1,
    perform: (_payload: undefined, job) =>
      job.database.write((tx) => {
        tx.run('create table notes (text)')
        void job.enqueue(child, Number.NaN)
      }),
  })
  await using context = await jobsForTest([child, parent])
  const handle = await context.jobs.enqueue(parent)
  await waitUntil('it has failed', () => handle.state() === 'discarded')
  assert.equal(context.database.get("select 1 from sqlite_schema where name = 'notes'"), undefined)
})

test('thousands of slots are filled in several turns', async () => {
  const gate = Promise.withResolvers<void>()
  const job = defineJob({ name: 'job', perform: () => gate.promise })
  await using context = await jobsForTest([job], { work: { slots: 1_200, begin: 'later' } })
  const { jobs, database } = context
  await jobs.enqueueAll(job, Array.from({ length: 1_200 }))
  const running = (): number => jobs.here!.running
  let most = 0
  let before = 0
  using _ = {
    [Symbol.dispose]: database.onCommit(() => {
      const row = database.get<{ n: number }>(
        "select count(*) as n from handcar_jobs where state = 'running'",
      )!
      most = Math.max(most, row.n - before)
      before = row.n
    }),
  }
  await jobs.work()
  await waitUntil('all run', () => running() === 1_200)
  assert.ok(most <= 500, `${most} in one turn`)
  gate.resolve()
  await jobs.drain()
})

test('a finish that the database refuses holds up no other', async () => {
  const job = defineJob({ name: 'job', perform: (n: number) => ({ n }) })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  await database.run(`
    create trigger refuse before update of state on handcar_jobs when new.state = 'completed' and new.payload = '2'
    begin select raise(abort, 'refused'); end`)
  const [first, refused, third] = await jobs.enqueueAll(job, [1, 2, 3])
  const later = await jobs.enqueue(job, 4)
  for (const handle of [first!, third!, later]) await handle.result({ timeout: '5s' })
  assert.equal(refused!.state(), 'running')
  await database.run('drop trigger refuse')
  assert.deepEqual(await refused!.result({ timeout: '10s' }), { n: 2 })
})
