import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { errorOf } from '../../../test/helpers/errors.ts'
import { folderReplica, Replicator } from '../../../test/helpers/replicator.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { openDriver } from '../../database/driver.ts'
import { Database } from '../../database/index.ts'
import { verifiedEvent } from '../events.ts'
import { BackupFolder } from '../litestream/folder.ts'
import type { LitestreamLine } from '../litestream/version.ts'
import { migrations } from './migrations.ts'
import { lastVerdict, lastVerifications } from './verification.ts'
import { VerificationPlace } from './place.ts'
import { verifyBackup, type VerifyBackupOptions } from './verify-backup.ts'

const lines = ['0.3', '0.5'] as const
const schema = `
  create table entries (id integer primary key, text text not null) strict;
  create table pairs (one text, other blob, primary key (one, other)) without rowid;
  create virtual table words using fts5(body);`

/** A database that is in use, and its replica in a folder. */
class Place implements AsyncDisposable {
  readonly folder: TemporaryFolder = temporaryFolder()
  readonly path: string
  readonly replica = folderReplica(this.folder.file('replica'))
  readonly database: Database
  readonly replicator: Replicator
  readonly line: LitestreamLine
  readonly backup: BackupFolder

  constructor(line: LitestreamLine) {
    this.line = line
    mkdirSync(this.folder.file('data'))
    this.path = this.folder.file('data/app.sqlite3')
    this.backup = new BackupFolder(this.folder.file('data'))
    this.database = new Database({
      path: this.path,
      readers: false,
      checkpointer: false,
      partMigrations: { backup: migrations, test: [{ name: '1', sql: schema }] },
    })
    const { path, replica } = this
    this.replicator = new Replicator({ line, path, replica, folder: this.folder.path })
  }

  async begin(rows = 500): Promise<void> {
    await this.database.start()
    await this.fill(rows)
    await this.replicator.start()
    await this.replicator.untilSent()
  }

  async fill(rows: number): Promise<void> {
    await this.database.write((tx) => {
      for (let row = 0; row < rows; row++) {
        tx.run('insert into entries (text) values (?)', [`entry ${row} ${Math.random()}`])
        tx.run('insert or ignore into pairs values (?, ?)', [
          `one ${row % 7}`,
          Buffer.from(`${Math.random()}`),
        ])
        tx.run('insert into words values (?)', [`word ${row}`])
      }
    })
  }

  verify(options: Partial<VerifyBackupOptions> = {}) {
    const { database, replica, backup, line } = this
    return verifyBackup({
      database,
      name: 'app',
      replicas: [replica],
      binary: { path: litestreams[line].path, line, version: line, origin: 'setting' },
      environment: {},
      folder: backup,
      patience: '40s',
      ...options,
    })
  }

  /** Files of the replica. */
  get objects(): string[] {
    return readdirSync(this.replica.type === 'folder' ? this.replica.path : '', {
      recursive: true,
      withFileTypes: true,
    })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replicator[Symbol.asyncDispose]()
    await this.database.stop()
    this.folder[Symbol.dispose]()
  }
}

/** A test with each Litestream. */
function withEach(name: string, run: (place: Place) => Promise<void>): void {
  for (const line of lines)
    test(
      `${name} (Litestream ${line})`,
      { timeout: 240_000, skip: litestreams[line].isMissing },
      async () => {
        await using place = new Place(line)
        await run(place)
      },
    )
}

withEach('a replica of a database that is being written is verified, and the result kept', async (place) => {
  await place.begin()
  const events: object[] = []
  const listen = (message: object): void => void events.push(message)
  ;(verifiedEvent as unknown as { subscribe(listener: (message: object) => void): void }).subscribe(listen)
  assert.equal(lastVerdict(place.database), undefined)
  let isOver = false
  const writing = (async () => {
    // oxlint-disable-next-line eslint/no-unmodified-loop-condition -- modified when the verification ends
    while (!isOver) await place.fill(1)
  })()
  const results = await place.verify().finally(() => (isOver = true))
  await writing
  const [result] = results
  assert.equal(result!.verdict, 'verified', result!.reason ?? '')
  assert.ok(result!.restorableAfter! < 60_000)
  assert.ok(result!.compared! > 100 && result!.compared! <= result!.rows!, JSON.stringify(result))
  assert.ok(result!.bytes! > 10_000)
  assert.deepEqual(events, results)
  const [kept] = lastVerifications(place.database)
  assert.deepEqual(kept, {
    database: 'app',
    replica: 'folder',
    last: result,
    lastConclusive: result,
    lastVerified: result,
  })
  assert.equal(lastVerdict(place.database), 'verified')
  assert.deepEqual(existsSync(join(place.backup.path, 'verification')), false)
})

withEach('an idle database is verified', async (place) => {
  await place.begin()
  const [result] = await place.verify()
  assert.equal(result!.verdict, 'verified', result!.reason ?? '')
  assert.ok(result!.compared! / result!.rows! > 0.5, JSON.stringify(result))
})

const damages: [string, (path: string) => void][] = [
  [
    'bits flipped in',
    (path) => {
      const bytes = readFileSync(path)
      for (let at = Math.floor(bytes.length / 2); at < bytes.length; at += 997) bytes[at]! ^= 0x10
      writeFileSync(path, bytes)
    },
  ],
  ['half of', (path) => writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2))],
  ['missing', (path) => rmSync(path)],
]

for (const [what, damage] of damages)
  withEach(`${what} what the replica begins with: failed`, async (place) => {
    await place.begin()
    await place.fill(50)
    assert.equal((await place.verify())[0]!.verdict, 'verified')
    // What Litestream sends from now on is whole, and rests on this.
    for (const path of place.objects) damage(path)
    const [result] = await place.verify()
    assert.equal(result!.verdict, 'failed', result!.reason ?? '')
    const [known] = lastVerifications(place.database)
    assert.equal(known!.lastVerified?.verdict, 'verified')
    assert.equal(lastVerdict(place.database), 'failed')
  })

withEach('a replica that gets nothing any more is inconclusive, and so is an empty one', async (place) => {
  await place.begin()
  process.kill(place.replicator.pid, 'SIGSTOP')
  const [frozen] = await place.verify({ patience: '8s' })
  assert.equal(frozen!.verdict, 'inconclusive')
  assert.match(
    frozen!.reason!,
    /^What was written at \d\d:\d\d:\d\d UTC has not come to the replica within \d+ s$/,
  )
  assert.equal(lastVerdict(place.database), undefined)
  const replicas = [folderReplica(place.folder.file('nothing'), 'other')]
  const [empty] = await place.verify({ patience: '2s', replicas })
  assert.equal(empty!.verdict, 'inconclusive')
  assert.deepEqual(
    lastVerifications(place.database).map(({ replica }) => replica),
    ['other'],
  )
})

/** A Litestream that restores a database in which other rows are than in the replica: whole, as far as SQLite can tell. */
function withOtherRows(place: Place, change: string): string {
  const program = place.folder.file('litestream')
  const driver = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'))
  writeFileSync(
    program,
    `#!${process.execPath}
const { spawnSync } = require('node:child_process')
const words = process.argv.slice(2)
const { status } = spawnSync(${JSON.stringify(litestreams[place.line].path)}, words, { stdio: 'inherit' })
if (status === 0 && words[0] === 'restore') {
  const Database = require(${driver})
  new Database(words[words.indexOf('-o') + 1]).exec(${JSON.stringify(change)})
}
process.exit(status)
`,
  )
  chmodSync(program, 0o700)
  return program
}

withEach(
  'other rows in a file that is whole: failed, with the table; a hot row is no difference',
  async (place) => {
    await place.begin()
    const binary = (change: string) => ({
      path: withOtherRows(place, change),
      line: place.line,
      version: place.line,
      origin: 'setting' as const,
    })
    const [swapped] = await place.verify({
      binary: binary("update pairs set other = x'00' where other = (select max(other) from pairs)"),
    })
    assert.deepEqual(
      [swapped!.verdict, swapped!.reason],
      ['failed', 'What was restored has other rows than the database in pairs'],
    )
    const [gone] = await place.verify({
      binary: binary('delete from entries where id = 7; drop table words'),
    })
    assert.deepEqual(
      [gone!.verdict, gone!.reason],
      ['failed', 'What was restored has other tables, indexes, triggers or views than the database'],
    )
    const [orphans] = await place.verify({ binary: binary('create table parents (id integer primary key)') })
    assert.equal(orphans!.verdict, 'failed')
    assert.equal(lastVerdict(place.database), 'failed')
    assert.equal((await place.verify())[0]!.verdict, 'verified')
    assert.equal(lastVerdict(place.database), 'verified')
  },
)

test(
  'the file is swapped under Litestream 0.3: what it then mixes is found',
  { timeout: 240_000, skip: litestreams['0.3'].isMissing },
  async () => {
    await using place = new Place('0.3')
    await place.begin(400)
    assert.equal((await place.verify())[0]!.verdict, 'verified')
    const { path } = place
    const other = place.folder.file('other.sqlite3')
    await place.database.run(`vacuum into '${other}'`).catch(() => copyTo(place, other))
    const copy = openDriver(other, { readonly: false })
    copy.exec("update entries set text = 'other ' || id")
    copy.close()
    await place.database.stop()
    for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
    renameSync(other, path)
    await place.database.start()
    await place.fill(300)
    const [result] = await place.verify({ patience: '30s' })
    assert.notEqual(result!.verdict, 'verified', JSON.stringify(result))
    assert.equal(result!.verdict, 'failed', result!.reason ?? '')
  },
)

function copyTo(place: Place, path: string): void {
  const source = openDriver(place.path, { readonly: true })
  source.prepare('vacuum into ?').run([path])
  source.close()
}

test(
  'without room it is inconclusive, and a second verification at a time is refused',
  { skip: litestreams['0.3'].isMissing },
  async () => {
    await using place = new Place('0.3')
    await place.database.start()
    truncateSync(place.path, 2 ** 43)
    const [result] = await place.verify()
    assert.equal(result!.verdict, 'inconclusive')
    assert.match(result!.reason!, /^The disk has no room for what is restored: .* are needed, .* are free$/)
    await using _held = await VerificationPlace.take(place.backup, place.path)
    assert.equal((await errorOf(() => place.verify())).code, 'HANDCAR_VERIFICATION_BUSY')
  },
)

withEach(
  'what one that was killed has left is removed; a signal ends it and keeps nothing',
  async (place) => {
    await place.begin(50)
    const left = join(place.backup.path, 'verification', 'left')
    mkdirSync(left, { recursive: true })
    writeFileSync(join(left, 'folder.sqlite3'), 'half')
    const stop = new AbortController()
    const progress = (message: string): void => {
      if (message.startsWith('waiting')) stop.abort(new Error('the process stops'))
    }
    await assert.rejects(place.verify({ signal: stop.signal, progress }), { message: 'the process stops' })
    assert.equal(existsSync(left), false)
    assert.deepEqual(lastVerifications(place.database), [])
    const [late] = await place.verify({ timeout: 1 })
    assert.deepEqual([late!.verdict, late!.reason], ['inconclusive', 'It took longer than the time limit'])
  },
)
