import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryDatabase } from '../testing/index.ts'
import type { Database, ReadTransaction } from './index.ts'

const startedDatabase = async (): Promise<Database> => {
  const database = await temporaryDatabase()
  await database.run('create table t (a integer)')
  return database
}
const count = (source: Pick<Database, 'get'>): number =>
  source.get<{ n: number }>('select count(*) as n from t')!.n

test('get gives the first row or undefined, all gives all rows', async () => {
  await using database = await startedDatabase()
  assert.equal(database.get('select a from t'), undefined)
  assert.deepEqual(database.all('select a from t'), [])
  await database.run('insert into t values (1), (2)')
  assert.deepEqual(database.get('select a from t order by a'), { a: 1 })
  assert.deepEqual(database.all('select a from t order by a'), [{ a: 1 }, { a: 2 }])
})

test('a statement that writes is refused by methods that read', async () => {
  await using database = await startedDatabase()
  for (const text of [
    'insert into t values (1)',
    'insert into t values (1) returning a',
    'delete from t',
    'create table u (a)',
  ]) {
    for (const read of [
      () => database.get(text),
      () => database.all(text),
      () => database.read((tx) => tx.all(text)),
    ]) {
      const error = await errorOf(read)
      assert.deepEqual([error.name, error.code], ['StatementError', 'HANDCAR_STATEMENT_WRITES'])
    }
  }
  assert.equal(count(database), 0)
})

test('errors of SQL pass through', async () => {
  await using database = await startedDatabase()
  const error = await errorOf(() => database.get('select b from t'))
  assert.deepEqual([error.name, error.code], ['SqliteError', 'SQLITE_ERROR'])
  await assert.rejects(async () => database.get(''), /no statements/)
})

test('a read body sees one state, whatever is committed meanwhile', async () => {
  await using database = await startedDatabase()
  await database.run('insert into t values (1)')
  let late: ReadTransaction | undefined
  const seen = database.read((tx) => {
    late = tx
    return [count(tx), count(tx)]
  })
  assert.deepEqual(seen, [1, 1])
  assert.equal(await codeOf(() => late!.get('select 1')), 'HANDCAR_TRANSACTION_CLOSED')
  await database.run('insert into t values (2)')
  assert.equal(database.read(count), 2)
})

test('an async read body works wherever it is called from', async () => {
  await using database = await startedDatabase()
  const body = async (tx: ReadTransaction): Promise<number> => {
    for (let step = 0; step < 10; step++) await Promise.resolve()
    return count(tx)
  }
  const callers: ((call: () => unknown) => void)[] = [
    (call) => call(),
    (call) => void setImmediate(call),
    (call) => void setTimeout(call, 0),
    (call) => process.nextTick(call),
    (call) => queueMicrotask(() => void call()),
  ]
  for (const caller of callers) {
    const result = await new Promise((resolve, reject) =>
      caller(() => database.read(body).then(resolve, reject)),
    )
    assert.equal(result, 0)
  }
})

for (const [name, wait] of Object.entries({ turn: () => turn(), nothing: () => new Promise(() => {}) })) {
  test(`a read body that waits for ${name} is refused, and its snapshot ends`, async () => {
    await using database = await startedDatabase()
    const read = database.read(async (tx) => {
      count(tx)
      await wait()
      return count(tx)
    })
    assert.equal(await codeOf(() => read), 'HANDCAR_TRANSACTION_PENDING')
    await database.run('insert into t values (1)')
    assert.equal(database.read(count), 1)
  })
}

test('reads inside a read body, and read inside read, are of the same state', async () => {
  await using database = await startedDatabase()
  const pending: Promise<unknown>[] = []
  database.read((tx) => {
    assert.equal(count(tx), 0)
    pending.push(database.run('insert into t values (1)'))
    assert.equal(count(database), 0)
    assert.equal(database.read(count), 0)
  })
  await Promise.all(pending)
  assert.equal(count(database), 1)
})

test('a snapshot stays as it is while another connection commits', async () => {
  await using database = await startedDatabase()
  await using other = await temporaryDatabase({ path: database.path })
  const writing = other.run('insert into t values (1)')
  const [before, after] = await database.read(async (tx) => [count(tx), count(tx)])
  assert.equal(before, after)
  await writing
  assert.equal(database.read(count), 1)
})

test('a read body that throws gives its connection back', async () => {
  await using database = await startedDatabase()
  for (let time = 0; time < 50; time++) {
    assert.throws(() =>
      database.read((tx) => {
        count(tx)
        throw new Error('no')
      }),
    )
    await assert.rejects(
      database.read(async (tx) => {
        count(tx)
        throw new Error('no')
      }),
    )
  }
  await database.run('insert into t values (1)')
  assert.equal(database.read(count), 1)
})

test('before start() and after stop() nothing reads', async () => {
  const database = await startedDatabase()
  await database.stop()
  const uses = [
    () => database.get('select 1'),
    () => database.all('select 1'),
    () => database.read(() => {}),
    () => database.write(() => {}),
    () => database.run('select 1'),
    () => database.query('select 1'),
    () => database.iterate('select 1').next(),
    () => database.stats(),
    () => database.onCommit(() => {}),
    () => database.schema(),
  ]
  for (const use of uses) assert.equal(await codeOf(use), 'HANDCAR_NOT_STARTED')
})

test('a slow statement is logged with its text and without its values', async () => {
  const logger = recordingLogger()
  await using database = await temporaryDatabase({ logger, slowQuery: 20 })
  const slow =
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < ?) select count(*) as n from n'
  database.get('select 1')
  assert.equal(logger.lines.length, 0)
  database.get(slow, [1_000_000])
  const [line] = logger.lines
  assert.deepEqual([line?.level, line?.message, line?.fields.text], ['warn', 'slow query', slow])
  assert.ok(Number(line?.fields.duration) >= 20)
})

test('a database in memory is its own, works like a file, and is gone after stop()', async () => {
  const one = await startedDatabase()
  await using other = await startedDatabase()
  await one.run('insert into t values (1)')
  assert.deepEqual([count(one), count(other)], [1, 0])
  assert.deepEqual(await one.query('select a from t'), [{ a: 1 }])
  await one.stop()
  await one.start()
  assert.equal(await codeOf(() => count(one)), 'SQLITE_ERROR')
  await one.stop()
})
