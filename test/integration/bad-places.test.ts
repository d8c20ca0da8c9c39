import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  closeSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { Coordinator, Database, type DatabaseOptions } from '../../src/database/index.ts'
import { Child } from '../helpers/child.ts'
import { codeOf, errorOf } from '../helpers/errors.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const start = async (options: DatabaseOptions): Promise<void> => {
  await using database = new Database(options)
  await database.start()
}

/** A database with rows on many pages. */
async function makeDatabase(path: string): Promise<void> {
  await using database = new Database({ path })
  await database.start()
  await database.run('create table t (id integer primary key, text text)')
  await database.write((tx) => {
    for (let id = 0; id < 500; id++) tx.run('insert into t (text) values (?)', ['x'.repeat(200)])
  })
}

test('a file that is no database is refused and left as it is', async () => {
  const contents = {
    text: Buffer.from('Dear diary, '.repeat(1_000)),
    encrypted: randomBytes(8_192),
    short: Buffer.from('hello'),
  }
  for (const [name, content] of Object.entries(contents)) {
    using folder = temporaryFolder()
    const path = folder.file(name)
    writeFileSync(path, content)
    const error = await errorOf(() => start({ path }))
    assert.deepEqual([error.name, error.code], ['CorruptionError', 'HANDCAR_DATABASE_CORRUPT'], name)
    assert.ok(error.message.includes(path) && error.fix!.includes('backup'))
    assert.deepEqual(readFileSync(path), content, `${name} is untouched`)
  }
})

test('an empty file becomes a database', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('app.sqlite3'), '')
  await start({ path: folder.file('app.sqlite3') })
})

test('a damaged first page is said at the start, a damaged page where it is read', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const overwrite = (offset: number, bytes: Buffer): void => {
    const file = openSync(path, 'r+')
    writeSync(file, bytes, 0, bytes.length, offset)
    closeSync(file)
  }
  await makeDatabase(path)
  overwrite(4_096 * 5, Buffer.alloc(4_096, 0xff))
  await using database = new Database({ path })
  await database.start()
  assert.match((await codeOf(() => database.all('select * from t')))!, /^SQLITE_CORRUPT/)
  assert.match((await codeOf(() => database.query('select * from t')))!, /^SQLITE_CORRUPT/)
  await database.stop()
  overwrite(100, Buffer.alloc(200, 0xff))
  assert.equal(await codeOf(() => database.start()), 'HANDCAR_DATABASE_CORRUPT')
})

test('unusual names work: spaces, quotes, other alphabets, question marks, a percent sign', async () => {
  for (const name of [
    'a b.sqlite3',
    "it's.sqlite3",
    '日本語.sqlite3',
    'café.sqlite3',
    'a?b=c#d%20.sqlite3',
    'file:x',
    '"q"',
    '-rf',
  ]) {
    using folder = temporaryFolder()
    await using database = new Database({ path: folder.file(`data ${name}/${name}`) })
    await database.start()
    await database.run('create table t (a)')
    assert.deepEqual(await database.query('select count(*) as n from t'), [{ n: 0 }], name)
    assert.ok(existsSync(folder.file(`data ${name}/${name}`)))
  }
})

test('a path too long for a socket works, with a coordinator beside it', async () => {
  using folder = temporaryFolder()
  const path = folder.file(`${'x'.repeat(120)}/${'y'.repeat(120)}/app.sqlite3`)
  await using coordinator = new Coordinator({ path })
  await coordinator.start()
  await using database = new Database({ path })
  await database.start()
  assert.equal(database.stats().coordinated, true)
  await database.run('create table t (a)')
})

test('through symbolic links it is one database: same WAL, same lease', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('real'))
  symlinkSync(folder.file('real'), folder.file('linked-folder'))
  await makeDatabase(folder.file('real/app.sqlite3'))
  symlinkSync(folder.file('real/app.sqlite3'), folder.file('linked.sqlite3'))
  for (const path of [folder.file('linked-folder/app.sqlite3'), folder.file('linked.sqlite3')]) {
    await using database = new Database({ path })
    await database.start()
    assert.equal(database.path, folder.file('real/app.sqlite3'))
    await database.run('delete from t where id = 1')
  }
})

test('a symbolic link to a database that does not exist yet makes it at the other end', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('real'))
  symlinkSync(folder.file('real/app.sqlite3'), folder.file('linked.sqlite3'))
  await using database = new Database({ path: folder.file('linked.sqlite3') })
  await database.start()
  await database.run('create table t (a)')
  assert.equal(database.path, folder.file('real/app.sqlite3'))
  assert.ok(existsSync(folder.file('real/app.sqlite3-wal')))
})

test('symbolic links that lead in a circle are refused', async () => {
  using folder = temporaryFolder()
  symlinkSync(folder.file('b.sqlite3'), folder.file('a.sqlite3'))
  symlinkSync(folder.file('a.sqlite3'), folder.file('b.sqlite3'))
  assert.equal(await codeOf(() => start({ path: folder.file('a.sqlite3') })), 'HANDCAR_DATABASE_PATH')
})

const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root, to become another user' }

test('a file or a folder that this user may not write is refused by name', asRoot, async () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o755)
  const cases = { folder: [0o555, 0o666], file: [0o777, 0o444], both: [0o555, 0o444] } as const
  for (const [name, [folderMode, fileMode]] of Object.entries(cases)) {
    const path = folder.file(`${name}/app.sqlite3`)
    await makeDatabase(path)
    chmodSync(path, fileMode)
    chmodSync(dirname(path), folderMode)
    await using nobody = Child.start('nobody-process', { path })
    assert.deepEqual(await nobody.next(), { code: 'HANDCAR_DATABASE_READ_ONLY', name: 'HandcarError' }, name)
  }
  const foreign = folder.file('foreign')
  mkdirSync(foreign)
  chownSync(foreign, 0, 0)
  await using nobody = Child.start('nobody-process', { path: `${foreign}/below/app.sqlite3` })
  assert.deepEqual(await nobody.next(), { code: 'HANDCAR_DATABASE_PATH', name: 'OptionsError' })
})
