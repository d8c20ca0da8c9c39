import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BackupFolder,
  Litestream,
  replicationReaders,
  snapshotIntervalOf,
  type LitestreamLine,
} from '../../src/backup/index.ts'
import { restoreFromReplicas } from '../../src/backup/restore/restore.ts'
import { readOptions } from '../../src/core/index.ts'
import { Coordinator } from '../../src/database/index.ts'
import { backupTargets } from '../helpers/backup-targets.ts'
import { Child } from '../helpers/child.ts'
import { litestreams } from '../helpers/litestream.ts'
import { recordingLogger } from '../helpers/recording-logger.ts'
import { readRecord } from '../helpers/replicator.ts'
import { newestRow } from '../helpers/rows.ts'
import { MoodyS3 } from '../helpers/s3-moods.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { isSoak } from './soak.ts'

const megabyte = 1_024 ** 2
const walLimit = 4 * megabyte
const outage = { '0.3': isSoak ? 300_000 : 12_000, '0.5': isSoak ? 300_000 : 45_000 }

/** In limits: 0.3 moves nothing while it sends a whole copy, so that it is left alone for longer. */
const longestAllowed = { '0.3': 24, '0.5': 8 }

/**
 * A process writes without a pause while the bucket answers nothing: from the beginning, so that not even the first whole copy can be sent.
 * Litestream is ended and started meanwhile, since it makes no progress. What grows is Litestream's own copy of what it
 * could not send, as much as is written; the WAL does not.
 */
// Both wait most of the time.
void suite('with each Litestream', { concurrency: true }, () => {
  for (const line of ['0.3', '0.5'] as const)
    void test(
      `flat-out writes beside a bucket that answers nothing leave the WAL small (${line})`,
      {
        skip: litestreams[line].isMissing || backupTargets.s3.isMissing,
        timeout: isSoak ? 1_800_000 : 300_000,
      },
      async (context) => await play(line, context),
    )
})

async function play(line: LitestreamLine, context: TestContext): Promise<void> {
  using folder = temporaryFolder()
  await using bucket = await MoodyS3.start()
  const { replica, environment } = bucket.target
  const logger = recordingLogger()
  const [path, record] = [folder.file('app.sqlite3'), folder.file('record')]
  const binary = litestreams[line].path
  const settings = { binary, replicas: [replica], lagAlarm: '6s', walLimit }
  const read = readOptions('test', settings, replicationReaders)
  const databases = [{ name: 'app', path }]
  await using coordinator = new Coordinator({ path, logger })
  await using litestream = new Litestream({
    folder: new BackupFolder(folder.path),
    app: folder.path,
    databases,
    replication: { ...read, snapshotInterval: snapshotIntervalOf(read, 'test') },
    environment,
    logger,
    host: {
      begins: () => coordinator.giveWay({ walLimit }),
      pauses: () => coordinator.awaitReplicator({ walLimit }),
      ends: () => coordinator.awaitReplicator({ walLimit }),
      walSize: () => (coordinator.stats().checkpointer?.frames ?? 0) * 4_120,
    },
  })
  bucket.mood = 'silent'
  await litestream.start()
  await coordinator.start()
  await using writer = Child.start('recording-writer-process', { path, record, pause: 0, coordinated: true })
  await writer.next()

  const lag = (): number | undefined => litestream.status().databases[0]!.replicas[0]!.lag
  const longest: number[] = []
  for (let round = 0; round < (isSoak ? 4 : 1); round++) {
    bucket.mood = 'silent'
    let [longestWal, wasTold] = [0, false]
    const until = performance.now() + outage[line]
    while (performance.now() < until) {
      longestWal = Math.max(longestWal, statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0)
      wasTold ||= litestream.status().problem !== undefined
      await sleep(20)
    }
    longest.push(longestWal / megabyte)
    assert.ok(wasTold)
    bucket.mood = 'well'
    await waitUntil('it catches up', () => (lag() ?? Infinity) < 2_000, 120_000)
  }
  await writer.tell('stop')
  await writer.ended()
  await waitUntil('everything is replicated', () => lag() === 0, 60_000)
  const { restarts } = litestream.status()
  await litestream.stop()
  const truth = readRecord(record).at(-1)!.id
  const { pause } = coordinator.stats().checkpointer!
  context.diagnostic(
    `${truth} rows, WAL up to ${longest.map((size) => size.toFixed(1)).join(' and ')} MB, ${pause.count} pauses, ${restarts} restarts`,
  )
  const [restored] = await restoreFromReplicas({
    databases,
    replicas: read.replicas,
    binary: { path: binary, line },
    environment,
    now: Date.now(),
    to: folder.file('restored'),
  })
  assert.equal(newestRow(restored!.path), truth)
  for (const size of longest)
    assert.ok(size * megabyte < longestAllowed[line] * walLimit, `the WAL became ${size} MB long`)
}
