import assert from 'node:assert/strict'
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { WalSync } from './wal-sync.ts'

const losses: Record<string, (path: string, folder: TemporaryFolder) => void> = {
  'the database is deleted': (path) => rmSync(path),
  'the database is moved away': (path, folder) => renameSync(path, folder.file('old.sqlite3')),
  'the database is replaced': (path, folder) => {
    copyFileSync(path, folder.file('copy'))
    renameSync(folder.file('copy'), path)
  },
  'the WAL is deleted': (path) => rmSync(`${path}-wal`),
  'the WAL is replaced': (path, folder) => {
    copyFileSync(`${path}-wal`, folder.file('copy'))
    renameSync(folder.file('copy'), `${path}-wal`)
  },
}
for (const [name, lose] of Object.entries(losses)) {
  for (const durability of ['disk', 'os'] as const) {
    test(`when ${name} while it is open, writes are rejected (${durability})`, async () => {
      using folder = temporaryFolder()
      const logger = recordingLogger()
      await using database = await temporaryDatabase({
        path: folder.file('app.sqlite3'),
        durability,
        logger,
        checkpointer: false,
      })
      await database.run('create table t (a)')
      lose(database.path, folder)
      await errorOf(() => untilRejected(() => database.run('insert into t values (1)')))
      const error = await errorOf(() => database.run('insert into t values (2)'))
      assert.deepEqual([error.name, error.code], ['CorruptionError', 'HANDCAR_DATABASE_REPLACED'])
    })
  }
}

/** Writes until a write is rejected: the files are looked at ten times a second. */
async function untilRejected(write: () => Promise<unknown>): Promise<void> {
  const endAt = performance.now() + 2_000
  while (performance.now() < endAt) {
    await write()
    await sleep(10)
  }
}

test('one sync covers all that wait, and a new one begins for those that come later', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table t (a)')
  const sync = new WalSync(database.path)
  await sync.open()
  await Promise.all(Array.from({ length: 100 }, () => sync.synced()))
  const { count } = sync.durations.summary()
  assert.ok(count >= 1 && count <= 2, `${count} syncs`)
  await sync.synced()
  assert.equal(sync.durations.summary().count, count + 1)
  await sync.close()
})
