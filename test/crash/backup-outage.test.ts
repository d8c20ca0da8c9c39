import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LitestreamLine } from '../../src/backup/index.ts'
import { backupTargets } from '../helpers/backup-targets.ts'
import { LedgerLoad } from '../helpers/ledger-load.ts'
import { litestreams } from '../helpers/litestream.ts'
import { ReplicatedMachine } from '../helpers/replicated-machine.ts'
import { MoodyS3, s3Moods } from '../helpers/s3-moods.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { auditRestored } from './backup-audit.ts'
import { isSoak } from './soak.ts'

const megabyte = 1_024 ** 2
const walLimit = 2 * megabyte
/** For how long the bucket is in each bad mood, in milliseconds. */
const outage = isSoak ? 180_000 : 6_000

/**
 * An app writes as fast as it can while its bucket is full, forbids everything, finds the clock wrong, breaks off connections, or answers
 * nothing. Each time that is told of while it lasts, the WAL stays bounded, and afterwards everything is there.
 */
// Both wait most of the time.
void suite('with each Litestream', { concurrency: true }, () => {
  for (const line of ['0.3', '0.5'] as const)
    void test(
      `a bucket that is full, forbids, is gone or silent: the WAL stays bounded, and everything is sent afterwards (${line})`,
      {
        skip: litestreams[line].isMissing || backupTargets.s3.isMissing,
        timeout: isSoak ? 3_600_000 : 600_000,
      },
      async (context) => await play(line, context),
    )
})

async function play(line: LitestreamLine, context: TestContext): Promise<void> {
  await using bucket = await MoodyS3.start()
  await using machine = new ReplicatedMachine({
    line,
    target: bucket.target,
    backup: { walLimit, lagAlarm: '3s' },
  })
  await using load = new LedgerLoad(await machine.start(), 'load', { pause: 0 })
  await load.untilMore(50)
  await machine.untilReplicated()
  let longestWal = 0
  let mostKept = 0
  for (const mood of s3Moods) {
    bucket.mood = mood
    const told = new Set<string>()
    const until = performance.now() + outage
    const isLate = (): boolean => [...told].some((problem) => problem.startsWith('lag: '))
    // A trouble that is not told of lasts until the test is over its time.
    const isOver = (): boolean => performance.now() >= until && (mood === 'well' || isLate())
    while (!isOver()) {
      longestWal = Math.max(longestWal, sizeOf(`${machine.database}-wal`))
      mostKept = Math.max(mostKept, sizeOf(join(machine.data, '.app.sqlite3-litestream')))
      const { backup } = await machine.status()
      if (backup.problem) told.add(`${backup.problem.kind}: ${backup.problem.message.slice(0, 160)}`)
      await sleep(50)
    }
    bucket.mood = 'well'
    context.diagnostic(`${mood}: ${[...told].at(-1) ?? 'no problem'}`)
    await load.untilMore(20)
    await machine.untilReplicated()
  }
  await load.end()
  await machine.untilReplicated()
  // What went wrong is told for a while.
  const isWell = async (): Promise<boolean> => (await machine.status()).backup.problem === undefined
  await waitUntil('it is well again', isWell, 90_000)
  await machine.stop()
  machine.lose()
  const restored = await machine.run(['restore', '--take-over'])
  assert.equal(restored.code, 0, restored.errors)
  const { kept, lost } = await auditRestored(machine.database, load.commits)
  assert.deepEqual(lost, [])
  const inMegabytes = (bytes: number): string => `${(bytes / megabyte).toFixed(1)} MB`
  context.diagnostic(
    `${kept.length} transactions, ${load.failures} requests without an answer, WAL up to ${inMegabytes(longestWal)}, kept for the bucket up to ${inMegabytes(mostKept)}`,
  )
  assert.ok(longestWal < 8 * walLimit, `the WAL became ${inMegabytes(longestWal)} long`)
}

/** Of a file, or of a folder with everything in it. */
function sizeOf(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false })
  if (!status?.isDirectory()) return status?.size ?? 0
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
