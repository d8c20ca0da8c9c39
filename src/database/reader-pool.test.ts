import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../../test/helpers/child.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { childrenOf, isAlive } from '../../test/helpers/processes.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { sql } from './index.ts'

const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n'
const numbers = (count: number) =>
  sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count}) select i from n`
const inLinux = { skip: existsSync('/proc/self/stat') ? false : 'needs /proc' }

/** The reader processes of this process: one database at a time has any. */
const readersOf = (): number[] => childrenOf(process.pid, 'reader')

/** All that an iteration gives. */
async function allOf<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = []
  for await (const row of rows) all.push(row)
  return all
}

test('a query gives rows as get does, types included', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (a, b, c, d, e, f)')
  await database.run(
    sql`insert into t values (${Buffer.from([0, 255])}, ${2n ** 53n - 1n}, ${null}, 1.0, ${'é'}, -0.5)`,
  )
  const expected = database.all('select * from t')
  assert.deepEqual(await database.query('select * from t'), expected)
  const iterated = await allOf(database.iterate('select * from t'))
  assert.deepEqual(iterated, expected)
  const types = 'select typeof(a) a, typeof(b) b, typeof(c) c, typeof(d) d, typeof(e) e from t'
  assert.deepEqual(await database.query(types), database.all(types))
  const [real] = await allOf(database.iterate<{ d: number }>('select d, typeof(d) as type from t'))
  assert.deepEqual(real, { d: 1, type: 'real' })
})

test('a query takes parameters by position and by name, and refuses wrong ones before it is sent', async () => {
  await using database = await temporaryDatabase()
  assert.deepEqual(await database.query('select ? as a, ? as b', [1, 'x']), [{ a: 1, b: 'x' }])
  assert.deepEqual(await database.query('select :a as a', { a: true }), [{ a: 1 }])
  assert.deepEqual(await allOf(database.iterate('select :a as a', { a: 2 })), [{ a: 2 }])
  for (const wrong of [[NaN], [undefined], [() => {}], [new Date()], [{}], { a: Symbol('a') }, 5]) {
    assert.equal(await codeOf(() => database.query('select ?', wrong as never)), 'HANDCAR_PARAMETER')
    assert.equal(await codeOf(() => database.iterate('select ?', wrong as never).next()), 'HANDCAR_PARAMETER')
  }
})

test('errors of SQL come back as they are, with their code, and the process lives on', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (a)')
  const error = await errorOf(() => database.query('select * from missing'))
  assert.deepEqual(
    [error.name, error.code, error.message],
    ['SqliteError', 'SQLITE_ERROR', 'no such table: missing'],
  )
  assert.equal(await codeOf(() => database.iterate('select * from missing').next()), 'SQLITE_ERROR')
  assert.equal(await codeOf(() => database.query('insert into t values (1) returning a')), 'SQLITE_READONLY')
  assert.equal(await codeOf(() => database.query('select abs(-9223372036854775808)')), 'SQLITE_ERROR')
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
  assert.equal(database.stats().readers?.processes, 1)
})

test('a query that takes too long is ended at its time limit, and the next one works', async () => {
  await using database = await temporaryDatabase()
  await database.query('select 1')
  const startedAt = performance.now()
  const error = await errorOf(() => database.query(endless, [], { timeout: 200 }))
  const duration = performance.now() - startedAt
  assert.deepEqual([error.name, error.code], ['TimeoutError', 'HANDCAR_QUERY_TIMEOUT'])
  // A timer counts from the start of its turn of the event loop, which lies a little back.
  assert.ok(duration > 150 && duration < 2_000, `${duration} ms`)
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
})

test('a time limit beyond what a timer can wait does not end a query at once', async () => {
  await using database = await temporaryDatabase({ readers: { idleTimeout: '60d', timeout: '60d' } })
  assert.deepEqual(await database.query('select 1 as a', [], { timeout: '30d' }), [{ a: 1 }])
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
  assert.equal(database.stats().readers?.processes, 1)
})

test('a signal ends a query with its reason, before it begins, while it waits and while it runs', async () => {
  await using database = await temporaryDatabase({ readers: { processes: 1 } })
  const reason = new Error('gone')
  assert.equal(
    await errorOf(() => database.query('select 1', [], { signal: AbortSignal.abort(reason) })),
    reason,
  )
  const [running, waiting] = [new AbortController(), new AbortController()]
  const queries = [
    errorOf(() => database.query(endless, [], { signal: running.signal })),
    errorOf(() => database.query(endless, [], { signal: waiting.signal })),
  ]
  await waitUntil('one runs and one waits', () => {
    const { running, waiting } = database.stats().readers!
    return running === 1 && waiting === 1
  })
  waiting.abort(reason)
  assert.equal(await queries[1], reason)
  running.abort(reason)
  assert.equal(await queries[0], reason)
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
})

test('queries beyond the number of processes wait and all are answered', async () => {
  await using database = await temporaryDatabase({ readers: { processes: 2 } })
  const answers = Promise.all(
    Array.from({ length: 20 }, (_, index) => database.query(sql`select ${index} as a`)),
  )
  assert.deepEqual(
    (await answers).flat(),
    Array.from({ length: 20 }, (_, index) => ({ a: index })),
  )
  assert.deepEqual(database.stats().readers, { processes: 2, running: 0, waiting: 0 })
})

test('a query that waits for a process longer than its time limit fails', async () => {
  await using database = await temporaryDatabase({ readers: { processes: 1 } })
  const controller = new AbortController()
  const blocking = errorOf(() => database.query(endless, [], { signal: controller.signal }))
  assert.equal(await codeOf(() => database.query('select 1', [], { timeout: 50 })), 'HANDCAR_QUERY_TIMEOUT')
  controller.abort()
  await blocking
})

test('a reader process that is killed fails its query by name, and the next one works', inLinux, async () => {
  await using database = await temporaryDatabase({ readers: { processes: 1 } })
  const query = errorOf(() => database.query(endless))
  await waitUntil('the query runs', () => readersOf().length === 1)
  process.kill(readersOf()[0]!, 'SIGKILL')
  const error = await query
  assert.equal(error.code, 'HANDCAR_QUERY_CRASHED')
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
})

test('a reader process that is killed while it rests is replaced', inLinux, async () => {
  await using database = await temporaryDatabase({ readers: { processes: 1 } })
  await database.query('select 1')
  const [reader] = readersOf()
  process.kill(reader!, 'SIGKILL')
  await waitUntil('it has ended', () => !isAlive(reader!))
  await waitUntil('a query works', () =>
    database.query('select 1').then(
      () => true,
      () => false,
    ),
  )
})

test('a reader process ends when nobody used it for a while', inLinux, async () => {
  await using database = await temporaryDatabase({ readers: { idleTimeout: 50 } })
  await database.query('select 1')
  const [reader] = readersOf()
  await waitUntil('it has ended', () => !isAlive(reader!))
  assert.equal(database.stats().readers?.processes, 0)
})

test('while the parent lives the watchdog leaves a reader alone', inLinux, async () => {
  await using database = await temporaryDatabase()
  await database.query('select 1')
  const before = readersOf()
  await sleep(2_100)
  assert.deepEqual(readersOf(), before)
  assert.equal(before.length, 1)
})

test('when the parent is killed, a reader inside an endless query ends too', inLinux, async () => {
  using folder = temporaryFolder()
  await using parent = Child.start('query-process', { path: folder.file('app.sqlite3') })
  assert.equal(await parent.next(), 'running')
  let reader: number | undefined
  await waitUntil('the reader is there', () => {
    reader = childrenOf(parent.pid, 'reader')[0]
    return reader !== undefined
  })
  await parent.kill()
  await waitUntil('the reader has ended', () => !isAlive(reader!), 4_000)
})

test('stop() ends queries that run and that wait', async () => {
  const database = await temporaryDatabase({ readers: { processes: 1 } })
  const queries = [errorOf(() => database.query(endless)), errorOf(() => database.query(endless))]
  await waitUntil('one waits', () => database.stats().readers?.waiting === 1)
  await database.stop()
  for (const query of queries) assert.equal((await query).code, 'HANDCAR_STOPPED')
})

test('options of the wrong kind are refused', async () => {
  await using database = await temporaryDatabase()
  for (const options of [{ timeout: -1 }, { timeout: '' }, { signal: {} }, { tiemout: 1 }, null])
    assert.match((await codeOf(() => database.query('select 1', [], options as object)))!, /^HANDCAR_OPTION/)
  for (const options of [{ batchSize: 0 }, { batchSize: NaN }, { batchSize: '5' }])
    assert.equal(
      await codeOf(() => database.iterate('select 1', [], options as object).next()),
      'HANDCAR_OPTION_INVALID',
    )
  await using without = await temporaryDatabase({ readers: false })
  assert.equal(await codeOf(() => without.query('select 1')), 'HANDCAR_OPTION_INVALID')
})

test('iterate gives 100,000 rows in order without keeping them', async () => {
  await using database = await temporaryDatabase()
  let expected = 1
  let largest = 0
  const heapBefore = process.memoryUsage().heapUsed
  for await (const { i } of database.iterate<{ i: number }>(numbers(100_000))) {
    assert.equal(i, expected++)
    if (i % 5_000 === 0) largest = Math.max(largest, process.memoryUsage().heapUsed)
  }
  assert.equal(expected, 100_001)
  assert.ok(largest - heapBefore < 64 * 1_024 ** 2, `${(largest - heapBefore) / 1_024 ** 2} MB`)
})

test('iterate at the edges of its batches', async () => {
  await using database = await temporaryDatabase()
  for (const count of [1, 2, 3, 4, 6])
    assert.equal((await allOf(database.iterate(numbers(count), [], { batchSize: 3 }))).length, count)
  assert.deepEqual(await allOf(database.iterate('select 1 where false')), [])
})

test('an iteration that ends early gives its process back', async () => {
  await using database = await temporaryDatabase({ readers: { processes: 1 } })
  for (let time = 0; time < 5; time++) {
    for await (const { i } of database.iterate<{ i: number }>(numbers(10_000), [], { batchSize: 10 }))
      if (i === 15) break
  }
  assert.match(
    (await errorOf(() => database.query('select * from temp.handcar_spool'))).message,
    /no such table/,
  )
  const failing = async () => {
    for await (const _row of database.iterate(numbers(10))) throw new Error('no')
  }
  await assert.rejects(failing(), /no/)
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
})

test('columns of the same name do not confuse an iteration', async () => {
  await using database = await temporaryDatabase()
  const text = 'select 1 as a, 2 as a, 3 as "b c", 4 as b'
  assert.deepEqual(await allOf(database.iterate(text)), database.all(text))
  assert.deepEqual(await database.query(text), database.all(text))
})

test('statements of every form can be iterated: with, values, compound, trailing comment', async () => {
  await using database = await temporaryDatabase()
  const forms = [
    'values (1), (2)',
    'with n as (select 1 as a) select a from n',
    'select 1 as a union select 2',
    'select 1 as a; ',
    'select 1 as a -- end',
  ]
  for (const text of forms) assert.deepEqual(await allOf(database.iterate(text)), database.all(text), text)
})

test('a signal ends an iteration, and so does a page that takes too long', async () => {
  await using database = await temporaryDatabase({ readers: { processes: 1 } })
  const controller = new AbortController()
  const reason = new Error('gone')
  const iteration = async () => {
    for await (const { i } of database.iterate<{ i: number }>(numbers(100), [], {
      batchSize: 10,
      signal: controller.signal,
    }))
      if (i === 10) controller.abort(reason)
  }
  assert.equal(await errorOf(iteration), reason)
  assert.equal(
    await codeOf(() => database.iterate(endless, [], { timeout: 50 }).next()),
    'HANDCAR_QUERY_TIMEOUT',
  )
  assert.deepEqual(await database.query('select 1 as a'), [{ a: 1 }])
})

test('a slow consumer holds no snapshot: the WAL is checkpointed to its end', async () => {
  await using database = await temporaryDatabase({ checkpointer: { interval: 5, passiveFrames: 1 } })
  await database.run('create table t (a)')
  await database.run(sql`insert into t ${numbers(1_000)}`)
  for await (const _row of database.iterate('select * from t', [], { batchSize: 1 })) {
    await database.run('insert into t values (1)')
    await database.run('insert into t values (2)')
    await waitUntil('everything is in the database', () => {
      const { frames, checkpointed } = database.stats().wal
      return frames > 0 && frames - checkpointed <= 1
    })
    break
  }
})
