import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { folderReplica, Replicator } from '../../../test/helpers/replicator.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { Database } from '../../database/index.ts'
import { verifiedEvent } from '../events.ts'
import { BackupFolder } from '../litestream/folder.ts'
import type { LitestreamLine } from '../litestream/version.ts'
import { migrations } from './migrations.ts'
import { lastVerdict, lastVerifications } from './verification.ts'
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
      patience: '20s',
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
    // Whatever a restore may begin with; what Litestream sends from now on is whole.
    for (const path of place.objects) damage(path)
    const [result] = await place.verify()
    assert.notEqual(result!.verdict, 'verified')
    const [known] = lastVerifications(place.database)
    assert.equal(known!.lastVerified?.verdict, 'verified')
    if (result!.verdict === 'failed') assert.equal(lastVerdict(place.database), 'failed')
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
