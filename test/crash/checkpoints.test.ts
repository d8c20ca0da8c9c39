import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { restoreFromReplicas } from '../../src/backup/restore/restore.ts'
import type { LitestreamLine } from '../../src/backup/litestream/version.ts'
import type { CoordinatorStats } from '../../src/database/index.ts'
import { Child } from '../helpers/child.ts'
import { litestreams } from '../helpers/litestream.ts'
import { newestRow } from '../helpers/rows.ts'
import { folderReplica, readRecord, Replicator } from '../helpers/replicator.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const megabyte = 1_024 ** 2
const walLimit = 4 * megabyte

/**
 * Somebody writes without a pause, Litestream checkpoints, our checkpointer watches, and any of the three is killed at any moment. What
 * was acknowledged is in the database and in the replica, whole, and the WAL stays bounded.
 */
class Machine implements AsyncDisposable {
  readonly folder = temporaryFolder()
  readonly path = join(this.folder.file('data'), 'app.sqlite3')
  readonly record = this.folder.file('record')
  readonly replica = folderReplica(this.folder.file('replica'))
  readonly line: LitestreamLine
  readonly replicator: Replicator
  coordinator!: Child
  writer!: Child
  longestWal = 0
  pauses = 0

  constructor(line: LitestreamLine) {
    this.line = line
    const { path, replica, folder } = this
    this.replicator = new Replicator({ line, path, replica, folder: folder.path })
    mkdirSync(dirname(path))
  }

  async startCoordinator(): Promise<void> {
    this.coordinator = Child.start('coordinator-process', { options: { path: this.path }, walLimit })
    await this.coordinator.next()
  }

  async startWriter(): Promise<void> {
    const { path, record } = this
    this.writer = Child.start('recording-writer-process', { path, record, pause: 0, coordinated: true })
    await this.writer.next()
  }

  /** As the supervisor does it. */
  async restartReplicator(pause: number): Promise<void> {
    await this.replicator.kill()
    await this.coordinator.ask('awaitReplicator')
    await sleep(pause)
    await this.coordinator.ask('giveWay')
    await this.replicator.start()
  }

  async look(): Promise<void> {
    this.longestWal = Math.max(
      this.longestWal,
      statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    )
    const { checkpointer } = await this.coordinator.ask<CoordinatorStats>('stats')
    this.pauses = Math.max(this.pauses, checkpointer!.pause.count)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer.kill()
    await this.replicator.kill()
    await this.coordinator.kill()
    this.folder[Symbol.dispose]()
  }
}

for (const line of ['0.3', '0.5'] as const)
  test(
    `Litestream ${line} checkpoints while writers, coordinator and Litestream are killed`,
    { skip: litestreams[line].isMissing, timeout: 600_000 },
    async (context) => await run(line, context),
  )

async function run(line: LitestreamLine, context: TestContext): Promise<void> {
  await using machine = new Machine(line)
  const random = new Random()
  context.diagnostic(`HANDCAR_SEED=${random.seed}`)
  await machine.startCoordinator()
  await machine.startWriter()
  await machine.replicator.start()
  await machine.replicator.untilSent()
  const kills = { replicator: 0, writer: 0, coordinator: 0 }
  for (let round = 0; round < (isSoak ? 400 : 12); round++) {
    for (let look = 0; look < 5; look++) {
      await sleep(random.between(50, 300))
      await machine.look()
    }
    const victim = random.pick(['replicator', 'writer', 'coordinator'] as const)
    kills[victim]++
    if (victim === 'replicator') await machine.restartReplicator(random.between(0, 800))
    else if (victim === 'writer') {
      await machine.writer.kill()
      await machine.startWriter()
    } else {
      await machine.coordinator.kill()
      await machine.startCoordinator()
    }
  }
  await machine.writer.tell('stop')
  await machine.writer.ended()
  const truth = readRecord(machine.record).at(-1)!.id
  assert.ok(newestRow(machine.path) >= truth, 'what was acknowledged is in the database')
  let restores = 0
  const restoresAll = async (): Promise<boolean> => {
    const [restored] = await restoreFromReplicas({
      databases: [{ name: 'app', path: machine.path }],
      replicas: [machine.replica],
      binary: { path: litestreams[line].path, line },
      environment: {},
      now: Date.now(),
      to: machine.folder.file(`restored-${restores++}`),
    })
    return newestRow(restored!.path) >= truth
  }
  await waitUntil('and in the replica', restoresAll, 120_000)
  await machine.replicator.stop()
  const wal = Math.round(machine.longestWal / megabyte)
  context.diagnostic(
    `${truth} rows, kills ${JSON.stringify(kills)}, longest WAL ${wal} MB, ${machine.pauses} pauses`,
  )
  assert.ok(machine.longestWal < 16 * walLimit, `the WAL became ${wal} MB long`)
}
