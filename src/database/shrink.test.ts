import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Database } from './database.ts'
import { openDriver } from './driver.ts'

const mb = 1_024 ** 2
const fill = `
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000)
  insert into t (text) select hex(randomblob(2000)) from n`

const free = (database: Database) =>
  database.get<{ freelist_count: number }>('pragma freelist_count')!.freelist_count

test('a file that handcar has made gives its free pages back', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = new Database({ path, readers: false })
  await database.start()
  await database.run('create table t (id integer primary key, text text) strict')
  await database.run(fill)
  assert.equal(await database.shrink(), 0)
  await database.run('delete from t where id % 10 <> 0')
  await waitUntil('the file is full', () => statSync(path).size > 7 * mb)
  const before = free(database)
  assert.ok(before > 1_500)
  const kept = await database.shrink({ keep: '1mb' })
  assert.equal(kept, (before - 256) * 4_096)
  assert.equal(free(database), 256)
  assert.equal(await database.shrink(), 256 * 4_096)
  assert.equal(free(database), 0)
  assert.equal(await database.shrink(), 0)
  // The next checkpoint that moves everything cuts the file off.
  await waitUntil('the file is short', async () => {
    await database.run('update t set text = hex(randomblob(2000))')
    await sleep(50)
    return statSync(path).size < 2 * mb
  })
  assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
  assert.equal(database.get<{ n: number }>('select count(*) as n from t')!.n, 200)
})

test('a file that somebody else has made keeps its ways', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const driver = openDriver(path, { readonly: false })
  driver.exec('create table t (id integer primary key, text text)')
  driver.close()
  await using database = new Database({ path, readers: false })
  await database.start()
  await database.run(fill)
  await database.run('delete from t')
  assert.ok(free(database) > 1_000)
  assert.equal(await database.shrink(), 0)
  assert.deepEqual(database.get('pragma auto_vacuum'), { auto_vacuum: 0 })
})

test('it ends when it is told to, and refuses what is no size', async () => {
  await using database = new Database({ path: ':memory:', readers: false })
  await database.start()
  await database.run('create table t (id integer primary key, text text) strict')
  await database.run(fill)
  await database.run('delete from t')
  const before = free(database)
  assert.equal(await database.shrink({ signal: AbortSignal.abort() }), 0)
  assert.equal(free(database), before)
  await assert.rejects(database.shrink({ keep: -1 }), { code: 'HANDCAR_OPTION_INVALID' })
  await assert.rejects(database.shrink({ kept: 1 } as never), { code: 'HANDCAR_OPTION_UNKNOWN' })
})
