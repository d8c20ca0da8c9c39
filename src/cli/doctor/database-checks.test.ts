import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Child } from '../../../test/helpers/child.ts'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Database } from '../../database/index.ts'
import { databaseFiles } from './database-files.ts'
import { fileSettings } from './file-settings.ts'
import type { Finding } from './finding.ts'
import { foreignKeyIndexes } from './foreign-key-indexes.ts'
import { foreignKeys } from './foreign-keys.ts'
import { integrity } from './integrity.ts'
import { migrations } from './migrations.ts'
import { otherPrograms } from './other-programs.ts'
import { writeAheadLog } from './write-ahead-log.ts'

const statuses = (findings: Finding[]): string[] => findings.map(({ status }) => status)
const onLinux = { skip: process.platform !== 'linux' }

/** Makes the database of a test with Node's own SQLite: a file as any program may leave it. */
function makeDatabase(folder: TemporaryFolder, sql: string): string {
  mkdirSync(folder.file('data'), { recursive: true })
  const path = folder.file('data/app.sqlite3')
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  database.exec(sql)
  database.close()
  return path
}

const table = 'pragma journal_mode = wal; create table posts (id integer primary key, title text);'

test('a database as handcar makes it has nothing wrong with its settings', async () => {
  using folder = temporaryFolder()
  await using database = new Database({ path: folder.file('data/app.sqlite3') })
  await database.start()
  using context = doctorContext(folder)
  for (const check of [fileSettings, databaseFiles, foreignKeys, foreignKeyIndexes, integrity])
    assert.equal(statuses(await check.run(context)).includes('error'), false, check.name)
  assert.match((await fileSettings.run(context))[0]!.what, /^wal, \d+ pages? of 4096 bytes/)
})

test('settings that another program left in the file are named', async () => {
  using folder = temporaryFolder()
  makeDatabase(folder, 'pragma page_size = 1024; pragma auto_vacuum = full; create table t (a)')
  using context = doctorContext(folder)
  const found = (await fileSettings.run(context)).map(({ what }) => what)
  assert.deepEqual(found, [
    'the journal mode of the file is delete',
    'the page size is 1024 bytes',
    'auto_vacuum is full',
  ])
})

test('rows that point at nothing are counted by table', async () => {
  using folder = temporaryFolder()
  makeDatabase(
    folder,
    `${table} create table comments (id integer primary key, post_id integer references posts (id));
     insert into comments (post_id) values (7), (8), (null)`,
  )
  using context = doctorContext(folder)
  const findings = await foreignKeys.run(context)
  assert.deepEqual(statuses(findings), ['error'])
  assert.equal(findings[0]!.what, 'comments has 2 rows that point at nothing in posts')
})

test('foreign keys without an index get one by a migration of the app', async () => {
  using folder = temporaryFolder()
  makeDatabase(
    folder,
    `${table}
     create table comments (id integer primary key, post_id integer references posts, "author id" text references users);
     create table users (name text primary key);
     create table likes (post_id integer references posts, name text references users, primary key (post_id, name)) without rowid;
     create table notes (post_id integer primary key references posts);
     create table pairs (a, b, foreign key (a, b) references other (x, y));
     create table other (x, y, unique (x, y));
     create index pairs_by_b on pairs (b, a);
     create table some (post_id references posts);
     create index some_by_post on some (post_id) where post_id > 10`,
  )
  mkdirSync(folder.file('migrations'))
  using context = doctorContext(folder, { migrationsFolder: folder.file('migrations') })
  const [finding] = await foreignKeyIndexes.run(context)
  assert.equal(
    finding!.what,
    'without an index, of 7 in all: comments (author id), comments (post_id), likes (name), some (post_id)',
  )
  assert.match(await finding!.canFix!(), /wrote .*_index_foreign_keys\.sql; apply it with `handcar migrate`/)
  assert.match(await finding!.canFix!(), /wrote no second migration/)
  const [file] = readdirSync(folder.file('migrations'))
  assert.match(file!, /^\d{14}_index_foreign_keys\.sql$/)
  makeDatabase(folder, readFileSync(folder.file(`migrations/${file}`), 'utf8'))
  assert.deepEqual(statuses(await foreignKeyIndexes.run(context)), ['ok'])
  const homeless = await foreignKeyIndexes.run({ ...context, migrationsFolder: undefined })
  assert.deepEqual(statuses(homeless), ['ok'])
})

test('a damaged page is found; a file that is no database has its own words', async () => {
  using folder = temporaryFolder()
  const rows = 'insert into posts (title) select hex(randomblob(300)) from pragma_function_list limit 100;'
  const path = makeDatabase(folder, `${table} ${rows}`)
  {
    using context = doctorContext(folder)
    assert.deepEqual(statuses(await integrity.run(context)), ['ok'])
    assert.match((await integrity.run({ ...context, isFull: true }))[0]!.what, /^integrity_check of/)
  }
  const bytes = readFileSync(path)
  for (const [offset, length, words] of [
    // The number of free pages in the header.
    [36, 4, /^quick_check found damage: /],
    [16_384, 200, /is damaged \(SQLITE_CORRUPT/],
  ] as const) {
    writeFileSync(path, Buffer.from(bytes).fill(0x5a, offset, offset + length))
    using context = doctorContext(folder)
    const [finding] = await integrity.run(context)
    assert.equal(finding!.status, 'error')
    assert.match(finding!.what, words)
  }
  using context = doctorContext(folder)
  const databaseProblem = Object.assign(new Error('file is not a database'), { code: 'SQLITE_NOTADB' })
  const unreadable = { ...context, inspector: undefined, databaseProblem }
  assert.match((await integrity.run(unreadable))[0]!.what, /is not an SQLite database/)
  const forbidden = { ...unreadable, databaseProblem: new Error('unable to open database file') }
  assert.match((await integrity.run(forbidden))[0]!.what, /cannot be read: unable to open/)
})

test('a large database is checked on demand only', async () => {
  using folder = temporaryFolder()
  const path = makeDatabase(folder, table)
  truncateSync(path, 1.5 * 1_024 ** 3)
  using context = doctorContext(folder)
  assert.match((await integrity.run(context))[0]!.what, /not checked: .* 1\.5 GB; `handcar doctor --full`/)
})

test('migrations: pending, unknown and edited ones', async () => {
  using folder = temporaryFolder()
  const migrationsFolder = folder.file('migrations')
  const [first, second] = ['20260101000000_one', '20260102000000_two']
  mkdirSync(migrationsFolder)
  writeFileSync(folder.file(`migrations/${first}.sql`), 'create table one (a)')
  {
    using context = doctorContext(folder, { migrationsFolder })
    assert.deepEqual(statuses(await migrations.run(context)), ['ok'], 'there is no database yet')
    await using database = new Database({ path: context.databasePath, migrations: migrationsFolder })
    await database.start()
  }
  using context = doctorContext(folder, { migrationsFolder })
  assert.deepEqual(statuses(await migrations.run(context)), ['ok'])
  writeFileSync(folder.file(`migrations/${first}.sql`), 'create table one (b)')
  writeFileSync(folder.file(`migrations/${second}.sql`), 'create table two (a)')
  assert.deepEqual(statuses(await migrations.run(context)), ['error', 'warning'])
  rmSync(folder.file(`migrations/${first}.sql`))
  assert.match(
    (await migrations.run(context))[0]!.what,
    /has a migration that the code does not: 20260101000000_one/,
  )
  assert.deepEqual(statuses(await migrations.run({ ...context, migrationsFolder: undefined })), ['ok'])
})

test('who reads an old state of the database for long is named', onLinux, async () => {
  using folder = temporaryFolder()
  const path = makeDatabase(folder, table)
  await using stranger = Child.start('stranger-process', { path })
  await stranger.next()
  await stranger.ask({ exec: "insert into posts (title) values ('x'); begin; select * from posts" })
  await stranger.ask({ all: 'select * from posts' })
  using context = doctorContext(folder)
  const [finding] = await writeAheadLog.run(context)
  assert.equal(finding!.status, 'warning')
  assert.match(finding!.what, new RegExp(`process ${stranger.pid} .* has been reading for more than 1000 ms`))
  await stranger.ask({ exec: 'commit' })
  assert.deepEqual(statuses(await writeAheadLog.run(context)), ['ok'])
})

test(
  'the programs that have the database open are named, and those that hold a replaced one',
  onLinux,
  async () => {
    using folder = temporaryFolder()
    const path = makeDatabase(folder, table)
    using context = doctorContext(folder)
    assert.match((await otherPrograms.run(context))[0]!.what, /^no process has the database open/)
    // A child of this process is not told of, as the doctor's own reader is not; so the stranger has to be an orphan.
    const pid = Number(
      execFileSync('sh', ['-c', `${process.execPath} -e '${holdOpen}' ${path} > /dev/null 2>&1 & echo $!`]),
    )
    try {
      await waitUntil('it is open', async () =>
        (await otherPrograms.run(context))[0]!.what.includes(`${pid} (`),
      )
      assert.deepEqual(statuses(await otherPrograms.run(context)), ['ok'])
      rmSync(path)
      makeDatabase(folder, table)
      const findings = await otherPrograms.run(context)
      assert.deepEqual(statuses(findings), ['ok', 'error'])
      assert.match(findings[1]!.what, /was deleted or replaced/)
    } finally {
      process.kill(pid, 'SIGKILL')
    }
  },
)

const holdOpen =
  'const { DatabaseSync } = require("node:sqlite"); const d = new DatabaseSync(process.argv[1]); d.exec("select 1 from posts"); console.log(1); setInterval(() => d, 1000)'

test('a second name, a WAL without its database, and files of two users', async () => {
  using folder = temporaryFolder()
  const path = makeDatabase(folder, table)
  using context = doctorContext(folder)
  assert.match((await databaseFiles.run(context))[0]!.what, /^1 file of user \d+ on one device$/)
  linkSync(path, folder.file('data/other'))
  assert.match((await databaseFiles.run(context))[0]!.what, /has 2 names/)
  rmSync(path)
  assert.match((await databaseFiles.run(context))[0]!.what, /^there is no database yet/)
  writeFileSync(`${path}-wal`, '')
  assert.match(
    (await databaseFiles.run(context))[0]!.what,
    /app\.sqlite3-wal lie there without their database/,
  )
})

test('files of two users', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
  using folder = temporaryFolder()
  const path = makeDatabase(folder, table)
  writeFileSync(`${path}-wal`, '')
  execFileSync('chown', ['65534', `${path}-wal`])
  using context = doctorContext(folder)
  const [finding] = await databaseFiles.run(context)
  assert.match(finding!.what, /belong to different users: .*app\.sqlite3 to 0, .*-wal to 65534/)
})
