import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database, type DatabaseOptions } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Child } from './child.ts'
import { Ledger } from './ledger-of-one.ts'
import { ledgerOptions } from './ledger.ts'
import { cannotMount as skip, SmallDisk } from './small-disk.ts'

/**
 * A full disk. Each write that is not kept fails with one clear error (SQLite's own for the write that met it,
 * `HANDCAR_TRANSACTION_ROLLED_BACK` for those that shared its transaction), what was acknowledged stays, and as soon as
 * there is space writing goes on without a new start.
 */

const quiet = { warn() {}, error() {}, info() {}, debug() {} }
function open(path: string, options: Partial<DatabaseOptions> = {}): Database {
  return new Database({ ...ledgerOptions, path, readers: false, logger: quiet, ...options })
}

test('a disk that fills up while many writes commit', { skip }, async () => {
  using disk = new SmallDisk(4)
  await using database = open(disk.file('app.sqlite3'))
  await database.start()
  const ledger = new Ledger(database)
  for (let round = 0; round < 5; round++) {
    disk.fill(150_000)
    while (ledger.refused.size < 50 * (round + 1)) await ledger.enterMany(16, 2_000)
    assert.deepEqual(ledger.audit(), [])
    disk.release()
    await ledger.enterMany(16, 100)
    assert.equal(ledger.lastRefusals, 0, 'writing does not go on after space was freed')
    await ledger.clear()
  }
  assert.ok(ledger.codes.includes('HANDCAR_TRANSACTION_ROLLED_BACK'))
  // A write that was alone in its batch gets SQLite's own error.
  const errors = [...ledger.refused.values()] as { code: string; cause?: { code: string } }[]
  assert.deepEqual([...new Set(errors.map(({ code, cause }) => cause?.code ?? code))], ['SQLITE_FULL'])
})

test('a disk that is full when a single write commits', { skip }, async () => {
  using disk = new SmallDisk(4)
  await using database = open(disk.file('app.sqlite3'))
  await database.start()
  const ledger = new Ledger(database)
  disk.fill()
  while (ledger.refused.size < 3) await ledger.enterMany(1, 100)
  assert.deepEqual(ledger.codes, ['SQLITE_FULL'])
  disk.release()
  await ledger.enterMany(1, 100)
  assert.equal(ledger.lastRefusals, 0)
  assert.deepEqual(ledger.audit(), [])
})

/** A transaction that is larger than SQLite's cache spills into the WAL while its body still runs. */
test('a disk that is full in the middle of a body', { skip }, async () => {
  using disk = new SmallDisk(4)
  await using database = open(disk.file('app.sqlite3'), { pragmas: { cache_size: 10 } })
  await database.start()
  await assertMiddle(database, () => disk.fill(300_000))
  disk.release()
  const ledger = new Ledger(database)
  await ledger.enterMany(8, 100)
  assert.equal(ledger.lastRefusals, 0)
  assert.deepEqual(ledger.audit(), [])
})

test('a database that has reached its max_page_count', async () => {
  using folder = temporaryFolder()
  await using database = open(folder.file('app.sqlite3'), { pragmas: { max_page_count: 60 } })
  await database.start()
  await assertMiddle(database, () => {})
  const ledger = new Ledger(database)
  while (ledger.refused.size < 20) await ledger.enterMany(8, 500)
  assert.deepEqual(ledger.codes, ['HANDCAR_TRANSACTION_ROLLED_BACK', 'SQLITE_FULL'])
  assert.deepEqual(ledger.audit(), [])
  await ledger.clear()
  await ledger.enterMany(8, 500)
  assert.equal(ledger.lastRefusals, 0)
  assert.deepEqual(ledger.audit(), [])
})

/** Three writes that commit together; the second meets the limit. The third begins anew and is kept. */
async function assertMiddle(database: Database, fill: () => void): Promise<void> {
  await database.run('create table heap (content text not null) strict')
  fill()
  const write = (rows: number, label: string): Promise<string> => {
    const body = (tx: { run(text: string, values: unknown[]): unknown }): void => {
      for (let row = 0; row < rows; row++) tx.run('insert into heap values (?)', [label + 'x'.repeat(3_000)])
    }
    return database.write(body as never).then(
      () => 'kept',
      (error: { code: string }) => error.code,
    )
  }
  const answers = await Promise.all([write(1, 'before'), write(1_000, 'large'), write(1, 'after')])
  assert.deepEqual(answers, ['HANDCAR_TRANSACTION_ROLLED_BACK', 'SQLITE_FULL', 'kept'])
  const kept = database.all('select substr(content, 1, 5) as label from heap')
  assert.deepEqual(kept, [{ label: 'after' }])
  await database.run('delete from heap')
}

test('a disk that is full when the WAL is checkpointed', { skip }, async () => {
  using disk = new SmallDisk(4)
  const checkpointer = { interval: '5ms', passiveFrames: 50, restartFrames: 100 } as const
  await using database = open(disk.file('app.sqlite3'), { checkpointer })
  await database.start()
  const ledger = new Ledger(database)
  const reader = new Child('snapshot-process', database.path)
  await reader.started
  for (let count = 0; count < 60; count++) await ledger.enterMany(4, 1_000)
  disk.fill()
  await reader.finish()
  while (ledger.refused.size < 100) {
    await ledger.enterMany(4, 1_000)
    assert.deepEqual(ledger.audit(), [])
  }
  disk.release()
  await ledger.enterMany(4, 1_000)
  assert.equal(ledger.lastRefusals, 0)
  const isCheckpointed = ({ frames, checkpointed }: { frames: number; checkpointed: number }): boolean =>
    frames - checkpointed <= checkpointer.passiveFrames
  await waitUntil('checkpoints go on', () => isCheckpointed(database.stats().wal))
  assert.deepEqual(ledger.audit(), [])
})

test('a disk that is full when the database is opened', { skip }, async () => {
  using disk = new SmallDisk(4)
  await using database = open(disk.file('app.sqlite3'))
  const isFull = { code: 'HANDCAR_DISK_FULL' }
  for (const spare of [0, 4_096, 40_000, 60_000]) {
    disk.fill(spare)
    await assert.rejects(database.start(), isFull, `a new database, ${spare} bytes free`)
    assert.equal(database.state, 'stopped')
  }
  disk.release()
  await database.start()
  const ledger = new Ledger(database)
  await ledger.enterMany(8, 1_000)
  await database.stop()
  disk.fill()
  await assert.rejects(database.start(), isFull, 'a database that exists')
  disk.release()
  await database.start()
  await ledger.enterMany(8, 1_000)
  assert.deepEqual(ledger.audit(), [])
})
