import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Database } from '../../src/database/index.ts'
import { Child } from '../helpers/child.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const migrations = {
  '20260101000000_table.sql': 'create table t (id integer primary key, pid integer)',
  '20260102000000_rows.sql': 'insert into t (pid) select value from generate_series(1, 1000)',
  '20260103000000_index.sql': 'create index t_by_pid on t (pid)',
}

test('processes that boot together on a new database migrate it once, and all of them start', async () => {
  for (let round = 0; round < 2; round++) {
    using folder = temporaryFolder()
    mkdirSync(folder.file('db'))
    const rows =
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) select i from n'
    for (const [name, text] of Object.entries(migrations))
      writeFileSync(
        folder.file(`db/${name}`),
        text.replace('select value from generate_series(1, 1000)', rows),
      )
    const options = { path: folder.file('app.sqlite3'), migrations: folder.file('db') }
    const children = Array.from({ length: 6 }, () => Child.start('writer-process', { options }))
    assert.deepEqual(
      await Promise.all(children.map((child) => child.next())),
      children.map(() => 'ready'),
    )
    await using database = new Database(options)
    await database.start()
    assert.deepEqual(database.get('select count(*) as n from t'), { n: 1_000 })
    assert.deepEqual(database.get('select count(*) as n from handcar_migrations'), { n: 3 })
    await Promise.all(children.map((child) => child.ask({ commits: 20 })))
    assert.deepEqual(database.get('select count(*) as n from t'), { n: 1_120 })
    await Promise.all(children.map((child) => child.kill()))
  }
})

test('processes that come and go leave a whole database, also when the last one is killed', async () => {
  using folder = temporaryFolder()
  const options = { path: folder.file('app.sqlite3') }
  await using database = new Database(options)
  await database.start()
  await database.run('create table t (id integer primary key, pid integer)')
  await database.stop()
  for (let round = 0; round < 3; round++) {
    const children = Array.from({ length: 3 }, () => Child.start('writer-process', { options }))
    await Promise.all(children.map((child) => child.next()))
    await Promise.all(children.map((child) => child.ask({ commits: 10 })))
    await Promise.all(
      children.map((child, index) => (index === round ? child.ask({ ask: 'stop' }) : child.kill())),
    )
    await Promise.all(children.map((child) => child.kill()))
  }
  await database.start()
  assert.deepEqual(database.get('select count(*) as n from t'), { n: 90 })
  assert.deepEqual(database.get('pragma integrity_check'), { integrity_check: 'ok' })
})
