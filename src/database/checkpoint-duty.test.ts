import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { copyFileSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import { Child } from '../../test/helpers/child.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import type { WriterAnswer } from '../../test/helpers/writer-process.ts'
import { Coordinator, Database, type CoordinatorOptions, type PausedMessage } from './index.ts'

const megabyte = 1_024 ** 2
const quick = { interval: 5, passiveFrames: 50, restartFrames: 200 }

/** A coordinator, and a database in this process that knows of it. */
class Pair implements AsyncDisposable {
  readonly folder: TemporaryFolder = temporaryFolder()
  readonly path = this.folder.file('app.sqlite3')
  readonly logger = recordingLogger()
  readonly coordinator: Coordinator
  readonly database = new Database({
    path: this.path,
    checkpointer: quick,
    readers: false,
    logger: this.logger,
  })

  constructor(options: Partial<CoordinatorOptions> = {}) {
    this.coordinator = new Coordinator({
      path: this.path,
      checkpointer: quick,
      logger: this.logger,
      ...options,
    })
  }

  async start(): Promise<this> {
    await this.coordinator.start()
    await this.database.start()
    await this.database.run('create table t (a)')
    return this
  }

  /** Writes that many pages. */
  fill(pages: number): Promise<unknown> {
    return this.database.write((tx) => {
      for (let page = 0; page < pages; page++) tx.run('insert into t values (zeroblob(4000))')
    })
  }

  get wal() {
    return this.database.stats().wal
  }

  get checkpointer() {
    return this.coordinator.stats().checkpointer!
  }

  untilMoved(): Promise<void> {
    return waitUntil('the WAL is moved', () => this.wal.frames === this.wal.checkpointed)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.stop()
    await this.coordinator.stop()
    this.folder[Symbol.dispose]()
  }
}

test('while somebody else replicates nobody checkpoints, and everybody does again afterwards', async () => {
  await using pair = await new Pair().start()
  await pair.fill(300)
  await pair.untilMoved()
  await pair.coordinator.giveWay()
  const { passive, restart } = pair.checkpointer
  for (let batch = 0; batch < 20; batch++) await pair.fill(100)
  await waitUntil('the thread has seen it', () => pair.checkpointer.frames >= 2_000)
  assert.equal(pair.checkpointer.duty, 'watch')
  assert.deepEqual(
    [pair.checkpointer.passive.count, pair.checkpointer.restart.count],
    [passive.count, restart.count],
  )
  assert.equal(pair.database.stats().checkpointer?.passive.count, 0)
  assert.ok(pair.wal.checkpointed < 400 && pair.wal.frames >= 2_000)
  await pair.coordinator.takeOver()
  await pair.untilMoved()
})

test('a coordinator that gives way before it starts never checkpoints', async () => {
  await using pair = new Pair()
  await pair.coordinator.giveWay()
  await pair.start()
  await pair.fill(1_000)
  await waitUntil('the thread has seen it', () => pair.checkpointer.frames >= 1_000)
  assert.equal(pair.wal.checkpointed, 0)
  assert.equal(pair.checkpointer.duty, 'watch')
})

test('where no checkpointer is wanted the WAL is watched all the same, as long as somebody replicates', async () => {
  await using pair = await new Pair({ checkpointer: false }).start()
  assert.equal(pair.coordinator.stats().checkpointer, undefined)
  await pair.coordinator.giveWay()
  await waitUntil('the checkpointer of the process rests', () => pair.database.stats().coordinated)
  await pair.fill(500)
  await waitUntil('the thread has seen it', () => pair.checkpointer.frames >= 500)
  await pair.coordinator.takeOver()
  assert.equal(pair.coordinator.stats().checkpointer, undefined)
  await pair.fill(300)
  await pair.untilMoved()
})

test('a replicator that ended is waited for; ours takes over when it does not come back', async () => {
  await using pair = await new Pair().start()
  await pair.coordinator.giveWay()
  await pair.coordinator.awaitReplicator({ after: 300 })
  assert.equal(pair.checkpointer.duty, 'wait')
  await pair.fill(500)
  assert.ok(pair.wal.frames >= 500, 'nobody has moved it')
  await pair.untilMoved()
  assert.equal(pair.checkpointer.duty, 'checkpoint')
  assert.ok(pair.logger.lines.some(({ message }) => message.includes('nobody replicates')))
})

test('a replicator that ended is not waited for when the WAL is over its limit', async () => {
  await using pair = await new Pair().start()
  await pair.coordinator.awaitReplicator({ after: 600_000, walLimit: megabyte })
  await pair.fill(100)
  await waitUntil('the thread has seen it', () => pair.checkpointer.frames >= 100)
  assert.equal(pair.checkpointer.duty, 'wait')
  await pair.fill(300)
  await pair.untilMoved()
  assert.equal(pair.checkpointer.duty, 'checkpoint')
})

test('a replicator that comes back in time finds the WAL as it was', async () => {
  await using pair = await new Pair().start()
  await pair.coordinator.giveWay()
  await pair.fill(500)
  for (let time = 0; time < 5; time++) {
    await pair.coordinator.awaitReplicator()
    await pair.fill(10)
    await pair.coordinator.giveWay()
  }
  assert.equal(pair.wal.checkpointed, 0)
  assert.equal(pair.checkpointer.duty, 'watch')
})

test('above the limit writers pause until a checkpoint completes, which it does then', async () => {
  await using pair = await new Pair().start()
  await using replicator = Child.start('stranger-process', { path: pair.path })
  await replicator.next()
  await pair.coordinator.giveWay({ walLimit: megabyte })
  const pauses: PausedMessage[] = []
  const listener = (message: unknown): void => void pauses.push(message as PausedMessage)
  subscribe('handcar.database.paused', listener)
  const wasOfUse = (): boolean => pauses.some(({ isMoved }) => isMoved)
  let written = 0
  let startedAt = performance.now()
  const writing = waitUntil(
    'a pause was of use',
    async () => {
      written++
      startedAt = performance.now()
      await pair.fill(20)
      return wasOfUse()
    },
    60_000,
  )
  // It comes along while writers wait: between two writes it would mostly be the one that keeps the WAL small.
  while (!wasOfUse()) {
    await waitUntil('a writer waits', () => wasOfUse() || performance.now() - startedAt > 100, 60_000)
    await replicator.ask({ exec: 'pragma wal_checkpoint(passive)' })
  }
  await writing
  unsubscribe('handcar.database.paused', listener)
  await pair.fill(1)
  assert.ok(pair.wal.frames < 100, `the WAL began anew: ${pair.wal.frames} frames of ${written * 20}`)
})

test('a pause in vain is one of all processes, ends after a second, and names who reads', async () => {
  await using pair = await new Pair().start()
  await pair.coordinator.giveWay({ walLimit: 4 * megabyte })
  await pair.database.run('drop table t')
  await pair.database.run('create table t (a, pid)')
  await using other = Child.start('writer-process', { options: { path: pair.path, readers: false } })
  await other.next()
  await using reader = Child.start('stranger-process', { path: pair.path })
  await reader.next()
  await reader.ask({ exec: 'begin; select count(*) from t' })
  const elsewhere = other.ask<WriterAnswer>({ writeFor: 3_000, hold: 0 })
  await pair.database.write((tx) => {
    for (let page = 0; page < 1_200; page++) tx.run('insert into t (a) values (zeroblob(4000))')
  })
  const { latencies } = await elsewhere
  await waitUntil('the pause is over', () => pair.checkpointer.pause.count > 0)
  assert.ok(Math.max(...latencies) > 800, `it waited ${Math.max(...latencies)} ms`)
  const warning = pair.logger.lines.find(({ message }) => message.startsWith('writers paused'))
  assert.match(warning!.message, new RegExp(`process ${reader.pid}`))
  assert.ok(pair.checkpointer.pause.max >= 990, String(pair.checkpointer.pause.max))
  await pair.database.run('insert into t (a) values (1)')
})

test('a coordinator that dies in a pause stops nobody', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using coordinator = Child.start('coordinator-process', { options: { path }, walLimit: megabyte })
  await coordinator.next()
  await using database = new Database({ path, readers: false })
  await database.start()
  await database.run('create table t (a)')
  await database.write((tx) => {
    for (let page = 0; page < 400; page++) tx.run('insert into t values (zeroblob(4000))')
  })
  await coordinator.kill()
  await database.run('insert into t values (1)')
  assert.equal(database.stats().wal.checkpointed, 0, 'nor does it checkpoint: a replicator may come back')
})

test('a database that was replaced under the coordinator is told of, and not touched again', async () => {
  await using pair = await new Pair().start()
  await pair.coordinator.giveWay()
  let times = 0
  pair.coordinator.onReplaced(() => times++)
  copyFileSync(pair.path, pair.folder.file('copy'))
  renameSync(pair.folder.file('copy'), pair.path)
  await waitUntil('it is noticed', () => times > 0)
  assert.equal(times, 1)
  assert.ok(pair.logger.lines.some(({ message }) => message.includes('replaced')))
})
