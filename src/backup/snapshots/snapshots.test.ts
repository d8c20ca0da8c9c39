import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Child } from '../../../test/helpers/child.ts'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { Database, FileLock } from '../../database/index.ts'
import { FakeClock } from '../../testing/index.ts'
import type { SnapshotsOptions } from './options.ts'
import { Snapshots } from './snapshots.ts'

const hour = 3_600_000

function snapshotsOf(folder: TemporaryFolder, options: Partial<SnapshotsOptions> = {}): Snapshots {
  return new Snapshots({ path: folder.file('app.sqlite3'), logger: recordingLogger(), ...options })
}

async function databaseIn(folder: TemporaryFolder, name = 'app.sqlite3'): Promise<Database> {
  const database = new Database({ path: folder.file(name), readers: false, logger: recordingLogger() })
  await database.start()
  return database
}

/** A database with one table of notes. */
async function notesIn(folder: TemporaryFolder, ...notes: string[]): Promise<Database> {
  const database = await databaseIn(folder)
  await database.run('create table notes (id integer primary key, text text) strict')
  for (const note of notes) await database.run('insert into notes (text) values (?)', [note])
  return database
}

const notesOf = (database: Database): string[] =>
  database.all<{ text: string }>('select text from notes order by id').map(({ text }) => text)

async function notesInFile(path: string): Promise<string[]> {
  await using database = new Database({ path, readOnly: true, readers: false, logger: recordingLogger() })
  await database.start()
  return notesOf(database)
}

const leftovers = (folder: TemporaryFolder): string[] =>
  readdirSync(folder.file('snapshots')).filter((file) => file !== '.lock' && file.startsWith('.'))

test('a snapshot is the database as it was, with what is still in the WAL', async () => {
  using folder = temporaryFolder()
  await using database = await notesIn(folder, 'one', 'two')
  chmodSync(database.path, 0o640)
  const snapshots = snapshotsOf(folder)
  const made = await snapshots.create({ name: 'before', note: 'to be safe' })
  await database.run("insert into notes (text) values ('three')")
  assert.deepEqual([made.name, made.reason, made.note], ['before', 'manual', 'to be safe'])
  assert.deepEqual([made.foreignKeyViolations, made.migrations], [0, {}])
  assert.equal(made.bytes, statSync(made.path).size)
  assert.equal(statSync(made.path).mode & 0o777, 0o640, 'as closed to others as the database')
  assert.deepEqual(await notesInFile(made.path), ['one', 'two'])
  assert.deepEqual(leftovers(folder), [])
  const { duration: _duration, ...listed } = made
  assert.deepEqual(await snapshots.list(), [listed])
})

test('rowids, page size, versions and virtual tables are those of the database', async () => {
  using folder = temporaryFolder()
  await using database = await databaseIn(folder)
  await database.run('create table plain (word text)')
  for (const word of ['a', 'b', 'c']) await database.run('insert into plain values (?)', [word])
  await database.run("delete from plain where word <> 'c'")
  await database.run("create virtual table found using fts5 (word, content = 'plain')")
  await database.run("insert into found (found) values ('rebuild')")
  await database.run('pragma user_version = 7')
  const { path } = await snapshotsOf(folder).create()
  await using copy = new Database({ path, readOnly: true, readers: false })
  await copy.start()
  assert.deepEqual(copy.all('select rowid, word from plain'), [{ rowid: 3, word: 'c' }])
  assert.deepEqual(copy.all("select rowid from found where found match 'c'"), [{ rowid: 3 }])
  assert.deepEqual(copy.get('pragma user_version'), { user_version: 7 })
  assert.deepEqual(copy.get('pragma auto_vacuum'), { auto_vacuum: 2 })
})

test(
  'beside a process that writes without pause, each snapshot is one state of it',
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder()
    await using writer = Child.start('flat-out-writer-process', { path: folder.file('app.sqlite3') })
    const { count } = await writer.next<{ count: number }>()
    const snapshots = snapshotsOf(folder)
    let before = count
    for (const name of ['first', 'second', 'third']) {
      const { path } = await snapshots.create({ name })
      await using copy = new Database({ path, readOnly: true, readers: false })
      await copy.start()
      const [left, right] = ['left', 'right'].map(
        (table) => copy.get<{ last: number }>(`select max(id) as last from ${table}`)!.last,
      )
      assert.equal(left, right, 'a transaction was torn')
      assert.ok(left! >= before, 'what was acknowledged before is missing')
      before = left!
    }
  },
)

const wrongNames = [
  '',
  '.',
  '..',
  '.hidden',
  '../up',
  'a/b',
  'Upper',
  'a b',
  'ä',
  'a\0b',
  '-x',
  'a'.repeat(81),
]
for (const name of wrongNames) {
  test(`${JSON.stringify(name.slice(0, 10))} is refused as a name`, async () => {
    using folder = temporaryFolder()
    const snapshots = snapshotsOf(folder)
    const expected =
      name === '' ? ['HANDCAR_OPTION_INVALID', 'HANDCAR_SNAPSHOT_NAME'] : ['HANDCAR_SNAPSHOT_NAME']
    for (const work of [
      () => snapshots.create({ name }),
      () => snapshots.get(name),
      () => snapshots.delete(name),
      () => snapshots.restore(name),
    ])
      assert.ok(expected.includes((await codeOf(work))!))
    assert.ok(!existsSync(folder.file('snapshots')))
  })
}

test('a name that is taken, one that is not there, and a database that is not there', async () => {
  using folder = temporaryFolder()
  const snapshots = snapshotsOf(folder)
  assert.equal(await codeOf(() => snapshots.create()), 'HANDCAR_DATABASE_PATH')
  assert.deepEqual(await snapshots.list(), [])
  assert.deepEqual(await snapshots.prune(), [])
  await using _database = await notesIn(folder, 'one')
  await snapshots.create({ name: 'before' })
  assert.equal(await codeOf(() => snapshots.create({ name: 'before' })), 'HANDCAR_SNAPSHOT_EXISTS')
  const missing = await errorOf(() => snapshots.get('befor'))
  assert.deepEqual([missing.code, missing.fix], ['HANDCAR_SNAPSHOT_MISSING', 'Did you mean before?'])
  await snapshots.delete('before')
  assert.deepEqual(await snapshots.list(), [])
  assert.deepEqual(readdirSync(folder.file('snapshots')), ['.lock'])
})

test('two within one second have two names', async () => {
  using folder = temporaryFolder()
  await using _database = await notesIn(folder)
  const snapshots = snapshotsOf(folder, { clock: new FakeClock(Date.UTC(2026, 10, 20, 9, 30)) })
  assert.equal((await snapshots.create()).name, '20261120-093000-manual')
  assert.equal((await snapshots.create()).name, '20261120-093000-manual-2')
})

test('what a crash has left goes with the next snapshot; what others have laid there stays', async () => {
  using folder = temporaryFolder()
  await using database = await notesIn(folder, 'one')
  mkdirSync(folder.file('snapshots'))
  for (const file of [
    '.old.1a2b.partial',
    '.old.1a2b.partial-journal',
    'gone.json',
    'notes.txt',
    'broken.json',
  ])
    writeFileSync(folder.file(`snapshots/${file}`), '{')
  writeFileSync(folder.file('snapshots/broken.sqlite3'), '')
  const snapshots = snapshotsOf(folder)
  await snapshots.create({ name: 'new' })
  const files = readdirSync(folder.file('snapshots')).toSorted()
  assert.deepEqual(files, ['.lock', 'broken.json', 'broken.sqlite3', 'new.json', 'new.sqlite3', 'notes.txt'])
  const broken = (await snapshots.list()).find(({ name }) => name === 'broken')
  assert.deepEqual([broken?.reason, broken?.checksum], ['unknown', undefined])
  assert.deepEqual(notesOf(database), ['one'])
})

test('the snapshots before migrations are pruned, those made by hand stay', async () => {
  using folder = temporaryFolder()
  await using _database = await notesIn(folder)
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const snapshots = snapshotsOf(folder, { clock, keep: { count: 2, age: '1d' } })
  const names = async (): Promise<string[]> => (await snapshots.list()).map(({ name }) => name)
  await snapshots.create({ name: 'by-hand' })
  for (const name of ['a', 'b', 'c']) {
    clock.advance(hour)
    await snapshots.create({ name, reason: 'migration', note: `before ${name}` })
  }
  assert.deepEqual(await names(), ['c', 'b', 'by-hand'])
  clock.advance(hour)
  await snapshots.create({ name: 'c-again', reason: 'migration', note: 'before c' })
  assert.deepEqual(
    await names(),
    ['c-again', 'b', 'by-hand'],
    'a deployment that is tried again takes its place',
  )
  clock.advance(48 * hour)
  assert.deepEqual(await names(), ['c-again', 'b', 'by-hand'])
  assert.deepEqual(
    (await snapshots.prune({ dryRun: true })).map(({ name }) => name),
    ['b'],
  )
  assert.deepEqual(
    (await snapshots.prune()).map(({ name }) => name),
    ['b'],
  )
  assert.deepEqual(
    (await snapshots.prune({ count: 1, all: true })).map(({ name }) => name),
    ['by-hand'],
  )
  assert.deepEqual((await snapshots.prune({ bytes: 1, age: 0, all: true })).length, 0, 'the newest stays')
  assert.equal(await codeOf(() => snapshots.prune({ count: 0 })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => snapshots.prune({ cuont: 1 } as object)), 'HANDCAR_OPTION_UNKNOWN')
})

test('a database that is damaged gets no snapshot', async () => {
  using folder = temporaryFolder()
  writeFileSync(
    folder.file('app.sqlite3'),
    'no database at all, but long enough to be taken for one'.repeat(20),
  )
  assert.equal(await codeOf(() => snapshotsOf(folder).create()), 'HANDCAR_DATABASE_CORRUPT')
  assert.deepEqual(readdirSync(folder.file('snapshots')), ['.lock'])
})

test('it can be ended, and waits for others only so long', async () => {
  using folder = temporaryFolder()
  await using _database = await notesIn(folder)
  mkdirSync(folder.file('snapshots'))
  const snapshots = snapshotsOf(folder, { lockTimeout: 50 })
  const reason = new Error('enough')
  assert.equal(await errorOf(() => snapshots.create({ signal: AbortSignal.abort(reason) })), reason)
  using _lock = FileLock.acquire(folder.file('snapshots/.lock'))!
  assert.equal(await codeOf(() => snapshots.create()), 'HANDCAR_SNAPSHOT_BUSY')
  assert.deepEqual(leftovers(folder), [])
})

test('restore puts it back and sets the old files aside', async () => {
  using folder = temporaryFolder()
  const database = await notesIn(folder, 'one')
  const snapshots = snapshotsOf(folder)
  await snapshots.create({ name: 'before' })
  await database.run("insert into notes (text) values ('two')")

  const inUse = await errorOf(() => snapshots.restore('before'))
  assert.equal(inUse.code, 'HANDCAR_DATABASE_IN_USE')
  assert.match(inUse.message, new RegExp(`process ${process.pid}`))
  await database.run("insert into notes (text) values ('three')")
  await database.stop()
  assert.deepEqual(
    readdirSync(folder.path).filter((file) => /replaced|partial/.test(file)),
    [],
  )

  const { path, replaced } = await snapshots.restore('before')
  assert.equal(path, folder.file('app.sqlite3'))
  assert.deepEqual(await notesInFile(path), ['one'])
  assert.deepEqual(await notesInFile(`${replaced}/app.sqlite3`), ['one', 'two', 'three'])
})

test('a database that was left with its WAL by a crash is set aside with it', async () => {
  using folder = temporaryFolder()
  await using writer = Child.start('flat-out-writer-process', { path: folder.file('app.sqlite3') })
  await writer.next()
  const snapshots = snapshotsOf(folder)
  await snapshots.create({ name: 'before' })
  const { count } = await writer.next<{ count: number }>()
  await writer.kill()
  assert.ok(statSync(folder.file('app.sqlite3-wal')).size > 0)
  const { replaced } = await snapshots.restore('before')
  await using old = new Database({ path: `${replaced}/app.sqlite3`, readOnly: true, readers: false })
  await old.start()
  assert.ok(old.get<{ last: number }>('select max(id) as last from left')!.last >= count)
  assert.ok(!existsSync(folder.file('app.sqlite3-wal')))
})

test('a damaged database, and the WAL of one that is gone, are set aside as they are', async () => {
  using folder = temporaryFolder()
  const database = await notesIn(folder, 'one')
  const snapshots = snapshotsOf(folder)
  await snapshots.create({ name: 'before' })
  await database.stop()
  const damaged = 'not a database '.repeat(100)
  writeFileSync(database.path, damaged)
  writeFileSync(`${database.path}-wal`, 'some wal')
  const { replaced } = await snapshots.restore('before')
  assert.equal(readFileSync(`${replaced}/app.sqlite3`, 'utf8'), damaged)
  assert.equal(readFileSync(`${replaced}/app.sqlite3-wal`, 'utf8'), 'some wal')
  assert.deepEqual(await notesInFile(database.path), ['one'])
})

test('restore to a new file touches nothing else', async () => {
  using folder = temporaryFolder()
  await using database = await notesIn(folder, 'one')
  const snapshots = snapshotsOf(folder)
  await snapshots.create({ name: 'before' })
  await database.run("insert into notes (text) values ('two')")
  const { path, replaced } = await snapshots.restore('before', { to: folder.file('copy.sqlite3') })
  assert.deepEqual([await notesInFile(path), replaced], [['one'], undefined])
  assert.deepEqual(notesOf(database), ['one', 'two'])
  for (const to of [path, folder.file('nowhere/x.sqlite3')])
    assert.equal(await codeOf(() => snapshots.restore('before', { to })), 'HANDCAR_RESTORE_TARGET')
})

test('a snapshot of which a byte has changed is not restored', async () => {
  using folder = temporaryFolder()
  const database = await notesIn(folder, 'one')
  const snapshots = snapshotsOf(folder)
  const { path } = await snapshots.create({ name: 'before' })
  await snapshots.check('before')
  await database.stop()
  const bytes = readFileSync(path)
  bytes.set([bytes.at(-1)! ^ 1], bytes.length - 1)
  writeFileSync(path, bytes)
  assert.equal(await codeOf(() => snapshots.check('before')), 'HANDCAR_SNAPSHOT_DAMAGED')
  assert.equal(await codeOf(() => snapshots.restore('before')), 'HANDCAR_SNAPSHOT_DAMAGED')
  assert.deepEqual(await notesInFile(database.path), ['one'])
  assert.deepEqual(
    readdirSync(folder.path).filter((file) => /replaced|partial/.test(file)),
    [],
  )
})
