import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob, discard, type Batch, type BatchBuilder, type JobDefinition } from '../index.ts'

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

test('a batch without jobs has completed at once', async () => {
  await using context = await jobsForTest([double])
  const { jobs } = context
  const batch = await jobs.batch({ onFinish: { job: double, payload: 1 } }, () => {})
  assert.deepEqual(batch.progress(), { ...nothing, state: 'completed' })
  await jobs.drain()
  assert.deepEqual(context.database.get('select count(*) as n from handcar_jobs'), { n: 1 })
  assert.equal(batch.name, undefined)
  assert.equal(batch.metadata(), undefined)
})

test('in a transaction a batch is part of it', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  const failing = database.write((tx) => {
    void jobs.batch({}, (batch) => void batch.enqueueAll(double, [1, 2]))
    assert.equal(tx.all('select id from handcar_jobs').length, 2)
    throw new Error('no')
  })
  await assert.rejects(failing, { message: 'no' })
  const refused = database.write(() => {
    // It throws at once, so that the body need not wait for it.
    void jobs.batch({}, (batch) => void batch.enqueue(double, Number.NaN))
  })
  await assert.rejects(refused, { code: 'HANDCAR_JOB_PAYLOAD' })
  assert.deepEqual(
    database.all('select id from handcar_jobs union all select id from handcar_job_batches'),
    [],
  )
  const batch = await database.write((tx) => {
    tx.run('create table mine (a)')
    return jobs.batch({}, (batch) => void batch.enqueueAll(double, [1, 2]))
  })
  assert.equal((await batch.wait({ timeout: '5s' })).completed, 2)
})

test('nothing of a batch whose body fails is there', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  await assert.rejects(
    jobs.batch({}, (batch) => {
      batch.enqueue(double, 1)
      throw new Error('body')
    }),
    { message: 'body' },
  )
  await assert.rejects(
    jobs.batch({}, async (batch) => {
      batch.enqueue(double, 1)
      await Promise.reject(new Error('later'))
    }),
    { message: 'later' },
  )
  assert.deepEqual(
    database.all('select id from handcar_jobs union all select id from handcar_job_batches'),
    [],
  )
})

test('a body may be asynchronous, and so may schemas; what comes after its end is refused', async () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async (value: unknown) =>
        typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
    },
  }
  const slow = defineJob({ name: 'slow', schema, perform: (n) => n })
  await using context = await jobsForTest([slow])
  const { jobs } = context
  let escaped: BatchBuilder
  const batch = await jobs.batch({ onFinish: { job: slow, payload: 9 } }, async (batch) => {
    await setImmediate()
    batch.enqueue(slow, 1)
    batch.batch({}, async (nested) => {
      await setImmediate()
      nested.enqueue(slow, 2)
    })
    escaped = batch
  })
  assert.equal((await batch.wait({ timeout: '5s' })).completed, 2)
  assert.throws(() => escaped.enqueue(slow, 3), { code: 'HANDCAR_BATCH_CLOSED' })
  const refused = jobs.batch({}, (batch) => void batch.enqueueAll(slow, ['a', 'b'] as never))
  await assert.rejects(refused, { code: 'HANDCAR_JOB_PAYLOAD' })
})

test('jobs can be added while the batch is open, and by its own jobs', async () => {
  const more: JobDefinition<number, number> = defineJob({
    name: 'more',
    async perform(left: number, job) {
      if (left > 0) await job.batch!.add(more, left - 1)
      return left
    },
  })
  await using context = await jobsForTest([more])
  const { jobs } = context
  const batch = await jobs.batch({}, (batch) => void batch.enqueue(more, 3))
  await batch.wait({ timeout: '5s' })
  assert.deepEqual(await batch.results(more), [3, 2, 1, 0])
  const late = { code: 'HANDCAR_BATCH_CLOSED', message: /has ended: it was completed/ }
  await assert.rejects(batch.add(more, 1), late)
  await assert.rejects(batch.addAll(more, [1, 2]), late)
  await assert.rejects(jobs.enqueue(more, 1, { batch }), late)
  await assert.rejects(jobs.enqueue(more, 1, { batch: 99 }), { code: 'HANDCAR_BATCH_UNKNOWN' })
  await assert.rejects(batch.add(more, Number.NaN), { code: 'HANDCAR_JOB_PAYLOAD' })
  const inside = context.database.write(() => void batch.add(more, 1))
  await assert.rejects(inside, late)
  const insert = "insert into handcar_jobs (name, queue, batch_id) values ('more', 'default', ?)"
  await assert.rejects(context.database.run(insert, [batch.id]), { message: /HANDCAR_BATCH_CLOSED/ })
})

test('a batch that stays open ends when it is closed and its jobs have ended', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  const batch = await jobs.batch({ stayOpen: true }, () => {})
  assert.equal(batch.state(), 'held')
  await batch.addAll(double, [1, 2])
  await jobs.drain()
  assert.equal(batch.state(), 'held')
  // What SQL inserts is counted too.
  await database.write((tx) => {
    tx.run("insert into handcar_jobs (name, queue, payload, batch_id) values ('double', 'default', '3', ?)", [
      batch.id,
    ])
    tx.touch('handcar.jobs')
  })
  await batch.close()
  await batch.close()
  assert.equal((await batch.wait({ timeout: '5s' })).total, 3)
  assert.deepEqual(await batch.results(), [2, 4, 6])
  assert.equal(jobs.getBatch(batch.id)?.state(), 'completed')
  assert.equal(jobs.getBatch(99), undefined)
})

test('a batch waits for those nested in it and for their callbacks, and ends as they do', async () => {
  const order: string[] = []
  const note = defineJob({ name: 'note', perform: (what: string) => void order.push(what) })
  await using context = await jobsForTest([double, fail, note])
  const { jobs } = context
  const outer = await jobs.batch({ onFailure: { job: note, payload: 'outer failed' } }, (batch) => {
    batch.enqueue(double, 1)
    batch.batch({ name: 'inner', onFinish: { job: note, payload: 'inner' } }, (inner) => {
      inner.enqueue(fail)
      inner.batch({ onSuccess: { job: note, payload: 'innermost' } }, (innermost) => {
        innermost.enqueueAll(double, [2, 3])
      })
    })
  })
  assert.deepEqual(await outer.wait({ timeout: '5s' }), {
    state: 'failed',
    total: 6,
    pending: 0,
    completed: 5,
    discarded: 1,
    cancelled: 0,
  })
  await jobs.drain()
  assert.deepEqual(order, ['innermost', 'inner', 'outer failed'])
  assert.deepEqual(
    outer.graph().batches.map(({ name, state }) => [name, state]),
    [['inner', 'failed']],
  )
  assert.deepEqual(await outer.failures(), [])
  const [inner] = outer.graph().batches
  const failures = await jobs.getBatch(inner!.id)!.failures()
  assert.deepEqual(
    failures.map(({ name, state, reason }) => [name, state, reason]),
    [['fail', 'discarded', 'broken']],
  )
})

test('a tree is cancelled: what waits at once, what runs by its signal; callbacks still clean up', async () => {
  let hasBegun = false
  const order: string[] = []
  const hang = defineJob({
    name: 'hang',
    async perform(_: undefined, job) {
      hasBegun = true
      await once(job.signal, 'abort')
      throw job.signal.reason
    },
  })
  const note = defineJob({ name: 'note', queue: 'notes', perform: (what: string) => void order.push(what) })
  await using context = await jobsForTest([hang, double, note], { work: { slots: 2 } })
  const { jobs } = context
  const batch = await jobs.batch(
    { onFailure: { job: note, payload: 'outer' }, onSuccess: { job: note, payload: 'never' } },
    (batch) => {
      batch.enqueue(hang)
      batch.enqueue(double, 1, { in: '1h' })
      batch.batch({ onFinish: { job: note, payload: 'inner' }, stayOpen: true }, (inner) => {
        inner.enqueueAll(double, [1, 2], { in: '1h' })
      })
    },
  )
  await waitUntil('it runs', () => hasBegun)
  await batch.cancel('enough')
  await assert.rejects(batch.add(double, 1), { code: 'HANDCAR_BATCH_CLOSED' })
  const progress = await batch.wait({ timeout: '5s' })
  assert.deepEqual([progress.state, progress.cancelled, progress.completed], ['cancelled', 4, 1])
  await jobs.drain()
  assert.deepEqual(order, ['inner', 'outer'])
  await batch.cancel()
  await assert.rejects(batch.cancel(''), { code: 'HANDCAR_OPTION_INVALID' })
})

const nothing = { total: 0, pending: 0, completed: 0, discarded: 0, cancelled: 0 }

test('a member that is deleted was never there, whoever deletes it', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  await database.run('create table users (id integer primary key) strict')
  await database.run(
    'create table user_jobs (user_id integer references users on delete cascade, job_id integer)',
  )
  await database.run(
    'create trigger forget after delete on user_jobs begin delete from handcar_jobs where id = old.job_id; end',
  )
  await database.run('insert into users values (1)')
  const batch = await jobs.batch({}, (batch) => {
    batch.enqueue(double, 1)
    batch.enqueueAll(double, [2, 3], { in: '1h' })
  })
  await jobs.drain()
  await database.run('delete from handcar_jobs where id = 2')
  assert.deepEqual(batch.progress(), { ...nothing, state: 'open', total: 2, pending: 1, completed: 1 })
  await database.run('insert into user_jobs values (1, 3)')
  await database.run('delete from users')
  // Nobody was told: the commit is enough.
  assert.deepEqual(await batch.wait({ timeout: '5s' }), {
    ...nothing,
    state: 'completed',
    total: 1,
    completed: 1,
  })
  await database.run('delete from handcar_jobs')
  assert.equal(batch.progress().completed, 1)
})

test('a nested batch that is deleted was never there; what needs it is cancelled', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  const outer = await jobs.workflow({}, (flow) => {
    flow.batch({ name: 'inner', stayOpen: true }, () => {})
    flow.add('next', double, 1, { dependsOn: 'inner' })
  })
  await database.run("delete from handcar_job_batches where name = 'inner'")
  assert.equal((await outer.wait({ timeout: '5s' })).state, 'cancelled')
  assert.match(
    (await jobs.get(outer.job('next')!.id))!.reason!,
    /the batch "inner" \(2\) that it needs was deleted/,
  )
  const gone = await jobs.batch({}, (batch) => {
    batch.batch({}, (inner) => void inner.enqueue(double, 1, { in: '1h' }))
  })
  await database.run('delete from handcar_job_batches where id = ?', [gone.id])
  assert.equal(gone.state(), undefined)
  assert.deepEqual(database.all("select state from handcar_job_batches where state = 'open'"), [])
})

test('a batch around that somebody has ended by hand does not stop anybody', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  const outer = await jobs.batch({}, (batch) => {
    batch.batch(
      { onFinish: { job: double, payload: 1 } },
      (inner) => void inner.enqueue(double, 2, { in: '1h' }),
    )
  })
  await database.run(
    "update handcar_job_batches set state = 'failed', finished_at = 1, pending = 0 where id = ?",
    [outer.id],
  )
  await database.write((tx) => {
    tx.run("update handcar_jobs set state = 'available', scheduled_at = null")
    tx.touch('handcar.jobs')
  })
  await jobs.drain()
  await waitUntil('the callback ran', () =>
    database.get("select 1 from handcar_jobs where payload = '1' and result = '2'"),
  )
})

test('a member that is cancelled or discarded has ended; one that is parked has not', async () => {
  const later = defineJob({ name: 'later', perform: () => 1 })
  await using producer = await jobsForTest([double, fail, later], { work: false })
  const { jobs, database } = producer
  const batch = await jobs.batch({}, (batch) => {
    batch.enqueue(double, 1, { in: '1h' })
    batch.enqueue(fail)
    batch.enqueue(later)
  })
  await jobs.cancel(1, 'not needed')
  assert.equal(batch.progress().cancelled, 1)
  await using worker = await jobsForTest([double, fail], { database })
  await waitUntil('it is parked', () => database.get('select 1 from handcar_jobs where blocked = 2'))
  await waitUntil('it is discarded', () => batch.progress().discarded === 1)
  assert.deepEqual(batch.progress(), {
    state: 'open',
    total: 3,
    pending: 1,
    completed: 0,
    discarded: 1,
    cancelled: 1,
  })
  worker.jobs.define(later)
  assert.equal((await batch.wait({ timeout: '5s' })).state, 'failed')
})

test('a job that was not enqueued, because another has its unique key, is no member', async () => {
  await using context = await jobsForTest([double])
  const { jobs } = context
  const other = await jobs.enqueue(double, 1, { in: '1h', unique: 'one' })
  const batch = await jobs.batch({}, (batch) => {
    batch.enqueue(double, 2, { unique: 'one' })
    batch.enqueue(double, 3)
  })
  assert.deepEqual(await batch.wait({ timeout: '5s' }), {
    ...nothing,
    state: 'completed',
    total: 1,
    completed: 1,
  })
  assert.equal(other.state(), 'scheduled')
})

test('callbacks are enqueued whatever their definition says of unique keys', async () => {
  let calls = 0
  const tell = defineJob({ name: 'tell', unique: () => 'always', perform: () => void calls++ })
  await using context = await jobsForTest([double, tell])
  const { jobs } = context
  await jobs.enqueue(tell, undefined, { in: '1h' })
  for (let n = 0; n < 2; n++) await jobs.batch({ onFinish: tell }, (batch) => void batch.enqueue(double, n))
  await jobs.drain()
  assert.equal(calls, 2)
})

test('waiting for a batch ends with its time, and with the batch', async () => {
  await using context = await jobsForTest([double])
  const { jobs, database } = context
  const batch = await jobs.batch({}, (batch) => void batch.enqueue(double, 1, { in: '1h' }))
  await assert.rejects(batch.wait({ timeout: 1 }), { code: 'HANDCAR_JOB_TIMEOUT' })
  await database.run('delete from handcar_job_batches')
  await assert.rejects(batch.wait(), { code: 'HANDCAR_BATCH_UNKNOWN' })
  assert.equal(batch.state(), undefined)
  // Its jobs go on without it.
  await database.run("update handcar_jobs set state = 'available', scheduled_at = null")
  await jobs.enqueue(double, 2)
  await waitUntil(
    'they ended',
    () => database.all('select 1 from handcar_jobs where finished_at > 0').length === 2,
  )
})

test('options of batches are checked', async () => {
  const stranger = defineJob({ name: 'stranger', perform: () => {} })
  await using context = await jobsForTest([double])
  const { jobs } = context
  const body = () => {}
  const refused: [object, string][] = [
    [{ onFinished: double }, 'HANDCAR_OPTION_UNKNOWN'],
    [{ name: '' }, 'HANDCAR_OPTION_INVALID'],
    [{ metadata: new Map() }, 'HANDCAR_JOB_PAYLOAD'],
    [{ onFinish: 'double' }, 'HANDCAR_OPTION_INVALID'],
    [{ onFinish: stranger }, 'HANDCAR_JOB_UNKNOWN'],
    [{ onFinish: { job: double, payload: Number.NaN } }, 'HANDCAR_JOB_PAYLOAD'],
    [{ onFinish: { job: double, payload: 1, in: '1h' } }, 'HANDCAR_OPTION_UNKNOWN'],
    [{ stayOpen: 1 }, 'HANDCAR_OPTION_INVALID'],
  ]
  for (const [options, code] of refused) await assert.rejects(jobs.batch(options, body), { code })
  await assert.rejects(jobs.batch({}, undefined as never), { code: 'HANDCAR_OPTION_INVALID' })
  await assert.rejects(
    jobs.batch({}, (batch) => void batch.enqueueAll(double, 1 as never)),
    { code: 'HANDCAR_OPTION_INVALID' },
  )
})

test('a batch that is being cancelled takes no more; a process that works goes on where another one died', async () => {
  await using producer = await jobsForTest([double], { work: false })
  const { jobs, database } = producer
  const batch = await jobs.batch({}, (batch) => {
    batch.enqueueAll(
      double,
      Array.from({ length: 2_500 }, (_, n) => n),
    )
  })
  // Its process died when it had said so.
  await database.run("update handcar_job_batches set cancelling = 1, cancel_reason = 'enough'")
  await assert.rejects(batch.add(double, 1), { message: /is being cancelled: enough/ })
  await using worker = await jobsForTest([double], { database, work: { queues: ['none'] } })
  assert.ok(worker)
  assert.equal((await batch.wait({ timeout: '10s' })).cancelled, 2_500)
  assert.deepEqual(database.get('select cancelling from handcar_job_batches'), { cancelling: 0 })
})

test('inside a transaction a batch is cancelled with it', async () => {
  await using context = await jobsForTest([double], { work: false })
  const { jobs, database } = context
  const batch = await jobs.batch({}, (batch) => void batch.enqueueAll(double, [1, 2]))
  const failing = database.write(async () => {
    await batch.cancel('enough')
    assert.equal(batch.state(), 'cancelled')
    throw new Error('no')
  })
  await assert.rejects(failing, { message: 'no' })
  assert.deepEqual(batch.progress(), { ...nothing, state: 'open', total: 2, pending: 2 })
})

test('the counts of a batch are right after anything', async () => {
  await using context = await jobsForTest([double], { work: false })
  const { jobs, database } = context
  const batch = await jobs.batch({ stayOpen: true }, (batch) => {
    batch.enqueueAll(
      double,
      Array.from({ length: 40 }, (_, n) => n),
    )
  })
  const states = ['available', 'scheduled', 'running', 'retryable', 'completed', 'cancelled', 'discarded']
  for (let round = 0; round < 200; round++) {
    const id = 1 + Math.floor(Math.random() * 40)
    const state = states[Math.floor(Math.random() * states.length)]!
    const isFinal = states.indexOf(state) >= 4
    const dice = Math.random()
    if (dice < 0.05) await database.run('delete from handcar_jobs where id = ? and finished_at is null', [id])
    else if (dice < 0.1)
      await database.run("insert into handcar_jobs (name, queue, batch_id) values ('double', 'default', ?)", [
        batch.id,
      ])
    else
      await database.run('update handcar_jobs set state = ?, finished_at = ? where id = ?', [
        state,
        isFinal ? round : null,
        id,
      ])
  }
  const counted =
    database.get(`select count(*) as total, sum(finished_at is null) as pending, sum(state = 'completed') as completed,
    sum(state = 'discarded') as discarded, sum(state = 'cancelled') as cancelled from handcar_jobs`)
  assert.deepEqual(batch.progress(), { state: 'held', ...counted })
})

test('a job that fails while its large batch is being cancelled is not tried again', async () => {
  const gate = Promise.withResolvers<void>()
  let tries = 0
  const failing = defineJob({
    name: 'failing',
    queue: 'worked',
    backoff: { first: 1 },
    async perform() {
      tries++
      await gate.promise
      throw new Error('no')
    },
  })
  await using context = await jobsForTest([double, failing], { work: { queues: 'worked' } })
  const { jobs, database } = context
  const batch = await jobs.batch({}, (batch) => {
    batch.enqueue(failing)
    batch.enqueueAll(double, Array<number>(3_000).fill(1))
  })
  await waitUntil('it runs', () => tries === 1)
  let commits = 0
  // Between the first and the last of the writes that cancel.
  using _ = { [Symbol.dispose]: database.onCommit(() => commits++ === 1 && gate.resolve()) }
  await batch.cancel('enough')
  const progress = await batch.wait({ timeout: '5s' })
  assert.deepEqual(progress, { ...nothing, state: 'cancelled', total: 3_001, cancelled: 3_001 })
  assert.equal(tries, 1)
})
