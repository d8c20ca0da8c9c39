import assert from 'node:assert/strict'
import { chownSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Database } from './database.ts'
import { Inspector } from './inspector.ts'
import { readMigrationStatus } from './migration-status.ts'

async function makeDatabase(folder: TemporaryFolder): Promise<string> {
  await using database = new Database({ path: folder.file('app.sqlite3') })
  await database.start()
  await database.run('create table posts (title text)')
  await database.run("insert into posts values ('one')")
  return database.path
}

test('it reads a database that nobody has open, and does not change it', async () => {
  using folder = temporaryFolder()
  const path = await makeDatabase(folder)
  const before = readFileSync(path)
  {
    using inspector = new Inspector(path)
    assert.deepEqual(await inspector.all('select title from posts'), [{ title: 'one' }])
    assert.deepEqual(await inspector.all('pragma quick_check'), [{ quick_check: 'ok' }])
    assert.equal(
      await codeOf(() => inspector.all("insert into posts values ('two') returning title")),
      'SQLITE_READONLY',
    )
  }
  assert.deepEqual(readFileSync(path), before)
})

test('it reads beside an app, and sees what that commits', async () => {
  using folder = temporaryFolder()
  const path = await makeDatabase(folder)
  await using database = new Database({ path })
  await database.start()
  using inspector = new Inspector(path)
  for (let count = 1; count < 4; count++) {
    assert.deepEqual(await inspector.all('select count(*) as count from posts'), [{ count }])
    await database.run("insert into posts values ('more')")
  }
})

test('a query that takes too long is ended, and the next one works', async () => {
  using folder = temporaryFolder()
  using inspector = new Inspector(await makeDatabase(folder))
  const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n'
  assert.equal(await codeOf(() => inspector.all(endless, '50ms')), 'HANDCAR_QUERY_TIMEOUT')
  assert.equal((await inspector.all('select title from posts')).length, 1)
})

test('a file that is none, and a file that is no database', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('text'), 'this is not a database '.repeat(100))
  using missing = new Inspector(folder.file('missing'))
  using text = new Inspector(folder.file('text'))
  assert.equal(await codeOf(() => missing.all('select 1')), 'SQLITE_CANTOPEN')
  assert.equal(await codeOf(() => text.all('select * from sqlite_schema')), 'SQLITE_NOTADB')
  assert.deepEqual(readdirSync(folder.path), ['text'])
})

test(
  'root leaves no file of its own beside the database of another user',
  {
    skip: process.getuid?.() !== 0 && 'needs root',
  },
  async () => {
    using folder = temporaryFolder()
    const path = await makeDatabase(folder)
    const nobody = 65_534
    for (const each of [folder.path, path]) chownSync(each, nobody, nobody)
    {
      using inspector = new Inspector(path)
      await inspector.all('select * from posts')
    }
    const owners = readdirSync(folder.path).map((file) => [file, statSync(folder.file(file)).uid])
    const wake = 'app.sqlite3.wake'
    assert.deepEqual(
      owners.filter(([file, uid]) => file !== wake && uid !== nobody),
      [],
    )
  },
)

test('migrations of a folder are compared with those of a database', async () => {
  using folder = temporaryFolder()
  const files: Record<string, string> = {
    '20260101000000_a': 'create table a (a)',
    '20260102000000_b': 'create table b (b)',
  }
  for (const [name, sql] of Object.entries(files)) writeFileSync(folder.file(`${name}.sql`), sql)
  {
    await using database = new Database({ path: folder.file('app.sqlite3'), migrations: folder.path })
    await database.start()
  }
  using inspector = new Inspector(folder.file('app.sqlite3'))
  assert.deepEqual(await readMigrationStatus(inspector, folder.path), {
    pending: [],
    unknown: [],
    changed: [],
  })
  writeFileSync(folder.file('20260102000000_b.sql'), 'create table b (c)')
  writeFileSync(folder.file('20260103000000_c.sql'), 'create table c (c)')
  assert.deepEqual(await readMigrationStatus(inspector, folder.path), {
    pending: ['20260103000000_c'],
    unknown: [],
    changed: ['20260102000000_b'],
  })
})
