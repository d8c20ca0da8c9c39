import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Child } from '../../test/helpers/child.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { jobsForTest } from '../../test/helpers/jobs.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Database, sql } from '../database/index.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { defineJob, Jobs, type StandardSchema } from './index.ts'

const add = defineJob({ name: 'add', perform: ({ a, b }: { a: number; b: number }) => a + b })

/** A schema as a library would make it. */
function objectWithId({ isAsync = false } = {}): StandardSchema<
  { id: number },
  { id: number; checked: true }
> {
  type Output = { id: number; checked: true }
  const validate = (value: unknown) => {
    const id = (value as { id?: unknown } | null)?.id
    if (typeof id !== 'number') return { issues: [{ message: 'expected a number', path: ['id'] }] }
    return { value: { id, checked: true } as Output }
  }
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: isAsync ? (value) => Promise.resolve(validate(value)) : validate,
    },
  }
}

test('a job that was enqueued is performed, and its result can be awaited', async () => {
  await using context = await jobsForTest([add])
  const handle = await context.jobs.enqueue(add, { a: 1, b: 2 })
  assert.equal(handle.wasEnqueued, true)
  const result: number = await handle.result({ timeout: '5s' })
  assert.equal(result, 3)
  assert.equal(handle.state(), 'completed')
})

test('a job without payload and without result', async () => {
  let count = 0
  const tick = defineJob({ name: 'tick', perform: () => void count++ })
  await using context = await jobsForTest([tick])
  const handle = await context.jobs.enqueue(tick)
  assert.equal(await handle.result(), undefined)
  assert.equal(count, 1)
})

test('an enqueue is part of the transaction that it is called in', async () => {
  await using context = await jobsForTest([add], { work: false })
  const { database, jobs } = context
  await assert.rejects(
    database.write(() => {
      void jobs.enqueue(add, { a: 1, b: 1 })
      throw new Error('no')
    }),
    /no/,
  )
  assert.equal(database.all('select id from handcar_jobs').length, 0)
  const handle = await database.write(() => jobs.enqueue(add, { a: 1, b: 1 }))
  assert.equal(handle.state(), 'available')
})

test('a payload that is refused rolls back a synchronous body too', async () => {
  await using context = await jobsForTest([add], { work: false })
  const { database, jobs } = context
  await database.run(sql`create table users (id integer primary key) strict`)
  const code = await codeOf(() =>
    database.write((tx) => {
      tx.run(sql`insert into users default values`)
      void jobs.enqueue(add, { a: Number.NaN, b: 1 })
    }),
  )
  assert.equal(code, 'HANDCAR_JOB_PAYLOAD')
  assert.equal(database.all('select id from users').length, 0)
  assert.equal(await codeOf(() => jobs.enqueue(add, { a: Number.NaN, b: 1 })), 'HANDCAR_JOB_PAYLOAD')
})

for (const isAsync of [false, true]) {
  test(`the schema is asked at enqueue and before performing (asynchronous: ${isAsync})`, async () => {
    const schema = objectWithId({ isAsync })
    const job = defineJob({ name: 'checked', schema, perform: (payload) => payload })
    await using context = await jobsForTest([job])
    const { jobs } = context
    const error = await errorOf(() => jobs.enqueue(job, { id: 'x' } as never))
    assert.equal(error.code, 'HANDCAR_JOB_PAYLOAD')
    assert.match(error.message, /job "checked".*id: expected a number/)
    const handle = await jobs.enqueue(job, { id: 1 })
    assert.deepEqual(await handle.result(), { id: 1, checked: true })
    const handles = await jobs.enqueueAll(job, [{ id: 2 }, { id: 3 }])
    assert.deepEqual(await handles[1]!.result(), { id: 3, checked: true })
  })
}

test('many jobs in one call, all or none', async () => {
  const done: number[] = []
  const note = defineJob({ name: 'note', perform: ({ n }: { n: number }) => void done.push(n) })
  await using context = await jobsForTest([note])
  const payloads = Array.from({ length: 10_000 }, (_, n) => ({ n }))
  const handles = await context.jobs.enqueueAll(note, payloads)
  assert.equal(new Set(handles.map(({ id }) => id)).size, 10_000)
  await waitUntil('all are done', () => done.length === 10_000)
  assert.deepEqual(
    done,
    payloads.map(({ n }) => n),
  )
  const bad = [...payloads, { n: Infinity }]
  assert.equal(await codeOf(() => context.jobs.enqueueAll(note, bad)), 'HANDCAR_JOB_PAYLOAD')
  assert.deepEqual(await context.jobs.enqueueAll(note, []), [])
  const { n } = context.database.get<{ n: number }>('select count(*) as n from handcar_jobs')!
  assert.equal(n, 10_000)
})

test('each of many jobs can have options of its own', async () => {
  await using context = await jobsForTest([add], { work: false })
  const payloads = Array.from({ length: 100 }, (_, n) => ({ a: n, b: 0 }))
  const handles = await context.jobs.enqueueAll(add, payloads, ({ a }) => ({
    priority: a,
    queue: `q${a % 2}`,
  }))
  const row = context.database.get('select queue, priority, payload from handcar_jobs where id = ?', [
    handles[41]!.id,
  ])
  assert.deepEqual(row, { queue: 'q1', priority: 41, payload: '{"a":41,"b":0}' })
})

test('bad input', async () => {
  await using context = await jobsForTest([add], { work: false, maxPayload: 100 })
  const { jobs, database } = context
  const other = defineJob({ name: 'other', perform: () => {} })
  const cases: [() => unknown, string][] = [
    [() => jobs.enqueue(other), 'HANDCAR_JOB_UNKNOWN'],
    [() => jobs.enqueue({ name: 'add' } as never, {} as never), 'HANDCAR_OPTION_INVALID'],
    [() => jobs.enqueue(undefined as never, {} as never), 'HANDCAR_OPTION_INVALID'],
    [() => jobs.enqueue(add, { a: 1, b: 1 }, { queu: 'x' } as never), 'HANDCAR_OPTION_UNKNOWN'],
    [() => jobs.enqueue(add, { a: 1, b: 1 }, { in: '1s', at: 1 }), 'HANDCAR_OPTION_INVALID'],
    [() => jobs.enqueue(add, { a: 1, b: 1 }, { at: new Date(Number.NaN) }), 'HANDCAR_OPTION_INVALID'],
    [() => jobs.enqueue(add, { a: 1, b: 1 }, { priority: 0.5 }), 'HANDCAR_OPTION_INVALID'],
    [() => jobs.enqueue(add, { a: 1, b: 1 }, { unique: { key: '' } }), 'HANDCAR_OPTION_INVALID'],
    [() => jobs.enqueue(add, { a: 1, b: 1, c: 'x'.repeat(100) } as never), 'HANDCAR_JOB_PAYLOAD'],
    [() => jobs.enqueueAll(add, { a: 1 } as never), 'HANDCAR_OPTION_INVALID'],
    [
      () => new Jobs({ database, definitions: [add, defineJob({ name: 'add', perform() {} })] }),
      'HANDCAR_OPTION_INVALID',
    ],
    [() => new Jobs({ database, definitions: [{}] as never }), 'HANDCAR_OPTION_INVALID'],
    [() => new Jobs({ database, work: { slots: 0 } }), 'HANDCAR_OPTION_INVALID'],
    [() => new Jobs({ database, work: { queues: { a: 0 } } }), 'HANDCAR_OPTION_INVALID'],
    [() => new Jobs({ database: {} as never }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: 'x' }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: '', perform() {} }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: 'x', perform() {}, limit: {} as never }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: 'x', perform() {}, rate: { count: 1, per: 0 } }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: 'x', perform() {}, schema: {} as never }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: 'x', runsIn: 'thread' }), 'HANDCAR_OPTION_INVALID'],
    [() => defineJob({ name: 'x', runsIn: 'thread', file: 'http://x/' }), 'HANDCAR_OPTION_INVALID'],
  ]
  for (const [work, code] of cases) assert.equal(await codeOf(work), code, String(work))
  await jobs.stop()
  assert.equal(await codeOf(() => jobs.enqueue(add, { a: 1, b: 1 })), 'HANDCAR_NOT_STARTED')
})

test('a database without the tables is refused', async () => {
  await using database = await temporaryDatabase({ readers: false })
  assert.equal(await codeOf(() => new Jobs({ database }).start()), 'HANDCAR_JOBS_TABLES')
})

test('only a process that was told to works on jobs', async () => {
  await using producer = await jobsForTest([add], { work: false })
  const handle = await producer.jobs.enqueue(add, { a: 1, b: 1 })
  await using worker = await jobsForTest([add], { database: producer.database })
  assert.ok(worker)
  assert.equal(await handle.result(), 2)
})

test('smaller priorities first, then in the order of the enqueue', async () => {
  const order: number[] = []
  const note = defineJob({ name: 'note', perform: ({ n }: { n: number }) => void order.push(n) })
  await using producer = await jobsForTest([note], { work: false })
  for (const [n, priority] of [5, 0, 5, -1, 0].entries())
    await producer.jobs.enqueue(note, { n }, { priority })
  await using worker = await jobsForTest([note], { database: producer.database, work: { slots: 3 } })
  assert.ok(worker)
  await waitUntil('all are done', () => order.length === 5)
  assert.deepEqual(order, [3, 1, 4, 0, 2])
})

test('a job never inherits the asynchronous context of its producer', async () => {
  await using context = await jobsForTest([])
  const { database } = context
  let isInTransaction: boolean | undefined
  const look = defineJob({ name: 'look', perform: () => void (isInTransaction = database.isInTransaction) })
  await using worker = await jobsForTest([look], { database })
  await database.write(() => worker.jobs.enqueue(look)).then((handle) => handle.result())
  assert.equal(isInTransaction, false)
})

test('a job that another program inserts with plain SQL is found and performed', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
  await database.start()
  await using context = await jobsForTest([add], { database })
  assert.ok(context)
  await using stranger = Child.start('stranger-process', { path })
  await stranger.next()
  const text = `insert into handcar_jobs (name, queue, payload) values ('add', 'default', '{"a":20,"b":22}')`
  await stranger.ask({ exec: text })
  await waitUntil(
    'it is done',
    () => database.get("select 1 from handcar_jobs where result = '42'") !== undefined,
  )
})

test('definitions are added before the start or later; what waited for them is performed', async () => {
  const later = defineJob({ name: 'later', perform: (n: number) => n + 1 })
  await using producer = await jobsForTest([later], { work: false })
  const { database } = producer
  await using worker = await jobsForTest([add], { database })
  const handle = await producer.jobs.enqueue(later, 1)
  await waitUntil('it is parked', () => database.get('select 1 from handcar_jobs where blocked = 2'))
  const told = worker.logger.lines.filter(({ message }) => message.startsWith('jobs of this name are parked'))
  assert.deepEqual(
    told.map(({ fields }) => fields['job']),
    ['later'],
  )
  worker.jobs.define(later, later, add)
  assert.equal(await handle.result({ timeout: '5s' }), 2)
  await (await worker.jobs.enqueue(later, 2)).result()
  const other = defineJob({ name: 'other', perform: () => {} })
  const second = defineJob({ name: 'later', perform: () => {} })
  assert.throws(
    () => worker.jobs.define(other, second),
    /definitions with different names, got two jobs "later"/,
  )
  assert.equal(await codeOf(() => worker.jobs.enqueue(other)), 'HANDCAR_JOB_UNKNOWN')
  await assert.rejects(async () => worker.jobs.enqueue(second), /"later" is another definition/)
  assert.throws(() => worker.jobs.define({} as never), /what defineJob returns/)
})

test('an app that has to load first begins to work later', async () => {
  await using context = await jobsForTest([], { work: { begin: 'later' } })
  const { jobs, database } = context
  jobs.define(add)
  const handle = await jobs.enqueue(add, { a: 1, b: 1 })
  assert.equal(database.get('select 1 from handcar_job_workers'), undefined)
  await Promise.all([jobs.work(), jobs.work()])
  assert.equal(await handle.result({ timeout: '5s' }), 2)
  await jobs.work()
  assert.equal(database.all('select 1 from handcar_job_workers').length, 1)
  await jobs.stop()
  assert.equal(await codeOf(() => jobs.work()), 'HANDCAR_NOT_STARTED')
  await jobs.start()
  const next = await jobs.enqueue(add, { a: 1, b: 2 })
  assert.equal(next.state(), 'available')
  await jobs.work()
  assert.equal(await next.result({ timeout: '5s' }), 3)
})

test('a process that does not work may be told to, and a job has the database', async () => {
  const path = defineJob({ name: 'path', perform: (_: undefined, job) => job.database.path })
  await using producer = await jobsForTest([path], { work: false })
  await producer.jobs.work()
  const handle = await producer.jobs.enqueue(path)
  assert.equal(handle.state(), 'available')
  await using worker = await jobsForTest([path], { database: producer.database })
  assert.ok(worker)
  assert.equal(await handle.result({ timeout: '5s' }), producer.database.path)
})

test('a look for jobs that fails is logged, and ends no process', async (context) => {
  const looks: (() => void)[] = []
  const { setInterval } = globalThis
  context.mock.method(globalThis, 'setInterval', (look: () => void, pause: number) => {
    looks.push(look)
    return setInterval(look, pause)
  })
  await using worker = await jobsForTest([])
  context.mock.method(worker.database, 'get', () => {
    throw new Error('disk I/O error')
  })
  for (const look of looks) look()
  const { fields } = worker.logger.lines.find(({ message }) => /the look for jobs failed/.test(message))!
  assert.equal(fields['error'], 'Error: disk I/O error')
  context.mock.restoreAll()
})
