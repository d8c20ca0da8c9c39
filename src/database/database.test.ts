import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { Database, type DatabaseOptions } from './index.ts'

const wrong: Record<string, unknown[]> = {
  path: [undefined, null, '', 0, NaN, {}, Buffer.from('a')],
  migrations: [null, '', 0, [], false],
  partMigrations: [null, [], 'a', 1],
  durability: [null, '', 'full', true],
  writeTimeout: [null, '', -1, NaN, '5', Infinity],
  maxQueuedWrites: [null, 0, -1, NaN, 1.5, '5'],
  batchSize: [null, 0, -1, NaN, 1.5, 100_001],
  batchDuration: [null, '', -1, NaN],
  pragmas: [null, [], 'a', 1],
  extensions: [null, {}, 'a'],
  cachedStatements: [null, 0, -1, NaN],
  slowQuery: [null, '', -1, NaN],
  readers: [
    null,
    true,
    0,
    '',
    2,
    { processes: 0 },
    { processes: 65 },
    { timeout: -1 },
    { idleTimeout: '' },
    { proceses: 1 },
  ],
  checkpointer: [
    null,
    true,
    0,
    '',
    { interval: -1 },
    { passiveFrames: 0 },
    { restartFrames: NaN },
    { pinnedAfter: '' },
    { x: 1 },
  ],
  strangerInterval: [null, '', -1],
  production: [null, 0, '', 'yes'],
  logger: [null, false, {}, () => {}],
  stopTimeout: [null, '', -1, NaN],
}
for (const [name, values] of Object.entries(wrong)) {
  test(`the option ${name} refuses values of the wrong kind before anything is opened`, async () => {
    for (const value of values) {
      const options = { path: '/nowhere/app.sqlite3', [name]: value } as DatabaseOptions
      const error = await errorOf(() => new Database(options))
      assert.match(error.code!, /^HANDCAR_OPTION_(INVALID|UNKNOWN)$/, JSON.stringify(value))
      assert.ok(error.message.includes(`"${name}"`), error.message)
    }
  })
}

test('an unknown option is refused with the nearest name; no options at all too', async () => {
  const error = await errorOf(() => new Database({ path: 'a', migration: 'db' } as DatabaseOptions))
  assert.deepEqual([error.code, error.fix], ['HANDCAR_OPTION_UNKNOWN', 'Did you mean "migrations"?'])
  for (const options of [undefined, null, 'app.sqlite3', []])
    assert.equal(await codeOf(() => new Database(options as never)), 'HANDCAR_OPTION_INVALID')
})

test('its statistics are plain JSON of a known shape', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (a)')
  await database.query('select 1')
  const stats = database.stats()
  assert.deepEqual(JSON.parse(JSON.stringify(stats.writes)), stats.writes)
  assert.deepEqual(Object.keys(stats), ['path', 'writes', 'wal', 'checkpointer', 'readers', 'coordinated'])
  const { queued, committed, failed, batches, wait, hold, writesPerBatch } = stats.writes
  assert.deepEqual([queued, committed, failed, batches], [0, 1, 0, 1])
  for (const { count } of [wait, hold, writesPerBatch]) assert.equal(count, 1)
  assert.ok(stats.wal.frames > 0 && stats.wal.bytes > 4_096)
  assert.deepEqual(stats.readers, { processes: 1, running: 0, waiting: 0 })
  assert.equal(stats.coordinated, false)
})

test('what parts were switched off is undefined in the statistics', async () => {
  await using database = await temporaryDatabase({ readers: false, checkpointer: false })
  const { readers, checkpointer } = database.stats()
  assert.deepEqual([readers, checkpointer], [undefined, undefined])
})

test('the path is absolute once it is open', async () => {
  using folder = temporaryFolder()
  const database = new Database({ path: folder.file('data/../app.sqlite3') })
  assert.equal(database.path, folder.file('data/../app.sqlite3'))
  await database.start()
  assert.equal(database.path, folder.file('app.sqlite3'))
  await database.stop()
})

test('what was written is there after stop and start, and after a second database opened the file', async () => {
  using folder = temporaryFolder()
  const database = new Database({ path: folder.file('app.sqlite3') })
  await database.start()
  await database.run('create table t (a)')
  await database.run('insert into t values (1)')
  await database.stop()
  await database.start()
  await using other = new Database({ path: folder.file('app.sqlite3') })
  await other.start()
  await Promise.all([database.run('insert into t values (2)'), other.run('insert into t values (3)')])
  assert.deepEqual(other.all('select a from t order by a'), [{ a: 1 }, { a: 2 }, { a: 3 }])
  await database.stop()
  await other.run('insert into t values (4)')
  assert.deepEqual(other.get('select count(*) as n from t'), { n: 4 })
})

test('inspect tells what a statement is, without running it', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (a)')
  const kinds = {
    'select 1': { readonly: true, returnsRows: true },
    'insert into t values (1)': { readonly: false, returnsRows: false },
    'insert into t values (1) returning a': { readonly: false, returnsRows: true },
    'with n as (select 1) delete from t': { readonly: false, returnsRows: false },
  }
  for (const [text, kind] of Object.entries(kinds)) assert.deepEqual(database.inspect(text), kind)
  assert.deepEqual(database.get('select count(*) as n from t'), { n: 0 })
  assert.equal(await codeOf(() => database.inspect('select from')), 'SQLITE_ERROR')
})

test('run gives the number of changes and the last row id', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (id integer primary key, a)')
  assert.deepEqual(await database.run('insert into t (a) values (1), (2)'), {
    changes: 2,
    lastInsertRowid: 2,
  })
  assert.equal((await database.run('update t set a = 5')).changes, 2)
  assert.equal((await database.run('delete from t where a = 6')).changes, 0)
  assert.equal((await database.run('insert into t (a) values (3) returning a')).changes, 1)
})

test('many reads, writes and queries at once', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (id integer primary key, a integer)')
  await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      await database.run('insert into t (a) values (?)', [index])
      database.read((tx) => tx.all('select count(*) from t'))
      if (index % 50 === 0) await database.query('select sum(a) from t')
    }),
  )
  assert.deepEqual(database.get('select count(*) as n, sum(a) as sum from t'), { n: 300, sum: 44_850 })
})
