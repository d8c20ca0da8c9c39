import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../../test/helpers/child.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { Checkpointer } from './checkpointer.ts'
import type { CheckpointMessage, Database, DatabaseOptions, PinnedMessage } from './index.ts'
import { readCheckpointer, type ResolvedCheckpointerOptions } from './options.ts'

const quick = { interval: 5, passiveFrames: 50, restartFrames: 200 }
const startedDatabase = async (options: Partial<DatabaseOptions> = {}): Promise<Database> => {
  const database = await temporaryDatabase({ checkpointer: quick, ...options })
  await database.run('create table t (a)')
  return database
}
/** Writes that many pages. */
const fill = (database: Database, pages: number): Promise<unknown> =>
  database.write((tx) => {
    for (let page = 0; page < pages; page++) tx.run('insert into t values (zeroblob(4000))')
  })

/** Collects the messages of an event about one database while the block runs. */
function collect<Message extends { path: string }>(name: string, { path }: Database): Message[] & Disposable {
  const messages: Message[] = []
  const listener = (message: unknown): void => {
    if ((message as Message).path === path) messages.push(message as Message)
  }
  subscribe(name, listener)
  return Object.assign(messages, { [Symbol.dispose]: () => unsubscribe(name, listener) })
}

test('the WAL is moved into the database, and used again from its start', async () => {
  await using database = await startedDatabase()
  using checkpoints = collect<CheckpointMessage>('handcar.database.checkpoint', database)
  await fill(database, 300)
  await waitUntil('everything is in the database', () => {
    const { frames, checkpointed } = database.stats().wal
    return frames === checkpointed && checkpoints.some(({ mode }) => mode === 'restart')
  })
  await fill(database, 1)
  assert.ok(database.stats().wal.frames < 50, 'the WAL began anew')
  const { passive, restart, frames } = database.stats().checkpointer!
  assert.ok(passive.count > 0 && restart.count > 0 && frames > 0)
})

test('under load the WAL stays bounded', async () => {
  await using database = await startedDatabase()
  let largest = 0
  let written = 0
  // The thread shares the machine with other tests and may get no turn for seconds; what counts is that the WAL does not grow
  // with what is written.
  while (written < 60_000 || (largest > written / 3 && written < 1_000_000)) {
    await fill(database, 20)
    written += 20
    largest = Math.max(largest, database.stats().wal.frames)
  }
  assert.ok(largest <= written / 3, `${largest} frames of ${written} that were written`)
  assert.ok(statSync(`${database.path}-wal`).size < (largest + 100) * 4_120)
})

test('while nothing is written the checkpointer does nothing', async () => {
  await using database = await startedDatabase()
  using checkpoints = collect<CheckpointMessage>('handcar.database.checkpoint', database)
  await fill(database, 300)
  await waitUntil('the WAL was restarted', () => checkpoints.some(({ mode }) => mode === 'restart'))
  const count = checkpoints.length
  await sleep(600)
  assert.equal(checkpoints.length, count)
})

test('a reader that keeps the WAL from being reused is named, until it lets go', async () => {
  using folder = temporaryFolder()
  const logger = recordingLogger()
  await using database = await startedDatabase({
    path: folder.file('app.sqlite3'),
    checkpointer: { ...quick, pinnedAfter: 100 },
    logger,
  })
  using pinned = collect<PinnedMessage>('handcar.database.pinned', database)
  await using stranger = Child.start('stranger-process', { path: database.path })
  await stranger.next()
  await stranger.ask({ exec: 'begin; select * from t' })
  await stranger.ask({ all: 'select * from t' })
  await fill(database, 500)
  await waitUntil('the reader is reported', () => pinned.length > 0)
  assert.deepEqual(
    pinned[0]!.readers.map(({ pid }) => pid),
    [stranger.pid],
  )
  assert.ok(pinned[0]!.duration >= 100 && pinned[0]!.frames >= 500)
  assert.ok(logger.lines.some(({ message }) => message.includes(`process ${stranger.pid}`)))
  assert.deepEqual(
    database.stats().checkpointer?.pinned?.readers.map(({ pid }) => pid),
    [stranger.pid],
  )
  await stranger.ask({ exec: 'commit' })
  await waitUntil('it is taken back', () => database.stats().checkpointer?.pinned === undefined)
  assert.equal(pinned.length, 1, 'reported once')
})

const resolved = readCheckpointer(quick, 'checkpointer') as ResolvedCheckpointerOptions

test('it says when it runs and when not, and may be started and stopped again and again', async () => {
  await using database = await startedDatabase({ checkpointer: false })
  const states: boolean[] = []
  const checkpointer = new Checkpointer(database.path, resolved, recordingLogger(), {
    onRunning: (isRunning) => states.push(isRunning),
  })
  for (let time = 0; time < 3; time++) {
    await checkpointer.start()
    await checkpointer.stop()
  }
  await checkpointer.stop()
  assert.deepEqual(states, [true, false, true, false, true, false])
})

test('a thread for a database that does not exist yet waits for it, creates nothing, and can be stopped', async () => {
  using folder = temporaryFolder()
  const logger = recordingLogger()
  const checkpointer = new Checkpointer(folder.file('app.sqlite3'), resolved, logger, {})
  await checkpointer.start()
  await sleep(300)
  assert.throws(() => statSync(folder.file('app.sqlite3')))
  assert.deepEqual(logger.lines, [])
  await checkpointer.stop()
})

test('a thread that fails is logged and started again', async () => {
  using folder = temporaryFolder()
  const logger = recordingLogger()
  const path = folder.file('app.sqlite3')
  writeFileSync(path, 'this is not a database, however long it may be: '.repeat(100))
  let isRunning = false
  const checkpointer = new Checkpointer(path, resolved, logger, {
    onRunning: (now) => {
      isRunning = now
    },
  })
  await checkpointer.start()
  await waitUntil('it has failed', () => !isRunning && logger.lines.length > 0)
  assert.match(String(logger.lines[0]!.fields.error), /not a database/)
  rmSync(path)
  await using database = await startedDatabase({ path, checkpointer: false })
  using checkpoints = collect<CheckpointMessage>('handcar.database.checkpoint', database)
  await fill(database, 300)
  await waitUntil('it runs again', () => isRunning && checkpoints.length > 0)
  await checkpointer.stop()
})

test('without a checkpointer commits checkpoint by themselves', async () => {
  await using database = await startedDatabase({ checkpointer: false })
  const backstop = await database.write((tx) => tx.get('pragma wal_autocheckpoint'))
  assert.deepEqual(backstop, { wal_autocheckpoint: 1_000 })
  for (let batch = 0; batch < 60; batch++) await fill(database, 50)
  assert.ok(database.stats().wal.frames < 1_500)
})

test('a process that waits for nothing but its checkpointer is not ended by that', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  writeFileSync(path, '')
  const program = fileURLToPath(
    new URL('../../test/helpers/waits-for-checkpointer-process.ts', import.meta.url),
  )
  // It ends with 13 when its await is left unsettled.
  const child = spawn(process.execPath, ['--conditions=handcar-source', program, path], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
})
