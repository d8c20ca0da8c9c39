import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Database } from './index.ts'

test('a read-only database reads what others write, and refuses writes', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using writer = new Database({ path, readers: false })
  await writer.start()
  await writer.run('create table posts (title text) strict')
  await using reader = new Database({ path, readOnly: true })
  await reader.start()
  await writer.run("insert into posts values ('new')")
  assert.deepEqual(reader.all('select title from posts'), [{ title: 'new' }])
  assert.deepEqual(await reader.query('select title from posts'), [{ title: 'new' }])
  assert.equal(await codeOf(() => reader.run("insert into posts values ('no')")), 'HANDCAR_READ_ONLY')
  assert.equal(await codeOf(() => reader.write((tx) => tx.run('delete from posts'))), 'HANDCAR_READ_ONLY')
  assert.equal(await codeOf(() => reader.all('delete from posts returning *')), 'HANDCAR_STATEMENT_WRITES')
  assert.equal(writer.all('select * from posts').length, 1)
})

test('opening read-only runs no migration', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const migration = { name: '20260101000000_posts', sql: 'create table posts (title text) strict' }
  await using writer = new Database({ path, readers: false })
  await writer.start()
  await using reader = new Database({ path, readOnly: true, partMigrations: { jobs: [migration] } })
  await reader.start()
  assert.deepEqual(reader.all('select name from sqlite_schema'), [])
})

test('opening read-only creates nothing', async () => {
  using folder = temporaryFolder()
  const path = folder.file('data/app.sqlite3')
  const error = await errorOf(() => new Database({ path, readOnly: true }).start())
  assert.equal(error.code, 'HANDCAR_DATABASE_PATH')
  assert.match(error.message, /data\/app\.sqlite3/)
  assert.ok(!existsSync(folder.file('data')))
})
