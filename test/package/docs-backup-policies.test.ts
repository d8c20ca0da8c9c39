import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BackupFolder,
  Ownership,
  replicationReaders,
  type ReplicationSettings,
  type S3Replica,
} from '../../src/backup/index.ts'
import { backupTargets, type BackupTarget } from '../helpers/backup-targets.ts'
import { Guide } from '../helpers/guide.ts'
import { litestreams, replicatedApp } from '../helpers/litestream.ts'
import { recordingLogger } from '../helpers/recording-logger.ts'
import { S3PolicyProxy, type S3Action, type S3Policy } from '../helpers/s3-policy-proxy.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** The policies and the numbers of the page about buckets, before an S3 server that obeys the policy. */
const guide = new Guide('operations/backup-targets.md')
const [writing, reading] = guide
  .blocks('AWS', 'json')
  .map((block) => JSON.parse(block.replaceAll('my-backups', 'backups')) as S3Policy)
const lines = ['0.3', '0.5'] as const
/** With these everything happens soon that happens at all: whole copies, tidying up, comparing. */
const hurried: ReplicationSettings = { retention: '8s', snapshotInterval: '2s', validationInterval: '4s' }
const skip = backupTargets.s3.isMissing || litestreams['0.5'].isMissing || litestreams['0.3'].isMissing

/** A target behind a proxy that looks. Its replica has the path that the page has. */
async function watched(target: BackupTarget) {
  const { bucket, endpoint } = target.replica as S3Replica
  const proxy = new S3PolicyProxy(endpoint!)
  const replica: S3Replica = { type: 's3', bucket, endpoint: await proxy.start() }
  return { proxy, replica }
}

const denied = ({ requests }: S3PolicyProxy) => requests.filter(({ isAllowed }) => !isAllowed)

test('what the page allows', { skip, concurrency: true, timeout: 240_000 }, async (t) => {
  for (const line of lines)
    void t.test(`is all that Litestream ${line} asks for, and a restore needs less`, async () => {
      await using target = await backupTargets.s3.start()
      const { proxy, replica } = await watched(target)
      await using _proxy = proxy
      proxy.policy = writing!
      const settings = { binary: litestreams[line].path, replicas: [replica], ...hurried }
      await using app = await replicatedApp(settings, target.environment)
      using folder = temporaryFolder()
      const ownership = new Ownership({
        folder: new BackupFolder(folder.path),
        replicas: replicationReaders.replicas([replica], 'replicas'),
        environment: target.environment,
        logger: recordingLogger(),
      })
      await ownership.claim()
      await ownership.release()

      await app.litestream.start()
      const all = ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject']
      await waitUntil(
        'everything has been asked for',
        async () => {
          await app.write(1)
          return all.every((action) => proxy.counts[action as S3Action]! > 1)
        },
        90_000,
      )
      await waitUntil(
        'it is sent',
        () => app.litestream.status().databases[0]!.replicas[0]!.lag === 0,
        30_000,
      )
      assert.deepEqual(denied(proxy), [])
      assert.deepEqual(Object.keys(proxy.counts).toSorted(), all)
      assert.doesNotMatch(app.litestream.status().problem?.message ?? '', /403|AccessDenied/)
      await app.litestream.stop()

      const { count } = app.database.get<{ count: number }>('select count(*) as count from rows')!
      proxy.requests.length = 0
      proxy.policy = reading!
      assert.equal(await app.restoredRows(), count)
      assert.deepEqual(denied(proxy), [])
    })

  const cases: [line: '0.3' | '0.5', without: S3Action, kind: RegExp][] = [
    ['0.5', 's3:ListBucket', /silent|error/],
    // 's3:GetObject': only every five minutes, when 0.5 joins the files of that time.
    ['0.5', 's3:DeleteObject', /error/],
    ['0.5', 's3:PutObject', /error|silent|lag/],
    ['0.3', 's3:GetObject', /error/],
    ['0.3', 's3:DeleteObject', /error/],
    ['0.3', 's3:PutObject', /error/],
  ]
  for (const [line, without, kind] of cases)
    void t.test(`is needed: without ${without} Litestream ${line} has a problem`, async () => {
      await using target = await backupTargets.s3.start()
      const { proxy, replica } = await watched(target)
      await using _proxy = proxy
      proxy.policy = {
        Statement: writing!.Statement.map((each) => ({
          ...each,
          Action: each.Action.filter((action) => action !== without),
        })),
      }
      const settings = { binary: litestreams[line].path, replicas: [replica], ...hurried }
      await using app = await replicatedApp(settings, target.environment)
      await app.litestream.start()
      await waitUntil(
        'it has a problem, and says why',
        async () => {
          await app.write(1)
          const { problem } = app.litestream.status()
          return kind.test(problem?.kind ?? '') && /403|AccessDenied/.test(problem!.message)
        },
        90_000,
      )
      assert.ok(denied(proxy).every(({ action }) => action === without))
      if (without !== 's3:DeleteObject') return
      proxy.policy = undefined
      await waitUntil(
        'it is sent',
        () => app.litestream.status().databases[0]!.replicas[0]!.lag === 0,
        60_000,
      )
      const { count } = app.database.get<{ count: number }>('select count(*) as count from rows')!
      assert.ok((await app.restoredRows()) >= count - 1)
    })
})

for (const [line, most] of [
  ['0.3', 1.3],
  ['0.5', 1.3],
] as const)
  test(`requests of Litestream ${line} in a second`, { skip, timeout: 120_000 }, async () => {
    await using target = await backupTargets.s3.start()
    const { proxy, replica } = await watched(target)
    await using _proxy = proxy
    const settings = { binary: litestreams[line].path, replicas: [replica] }
    await using app = await replicatedApp(settings, target.environment)
    await app.litestream.start()
    const lag = () => app.litestream.status().databases[0]!.replicas[0]!.lag
    await waitUntil('it runs', () => lag() === 0, 30_000)

    proxy.requests.length = 0
    const startedAt = performance.now()
    while (performance.now() - startedAt < 12_000) {
      await app.write(1)
      await sleep(20)
    }
    const seconds = (performance.now() - startedAt) / 1_000
    assert.ok(proxy.counts['s3:PutObject']! / seconds <= most, JSON.stringify(proxy.counts))

    await waitUntil('everything is sent', () => lag() === 0, 30_000)
    proxy.requests.length = 0
    await sleep(20_000)
    const { 's3:PutObject': puts = 0, 's3:ListBucket': lists = 0 } = proxy.counts
    assert.ok(puts <= 4 && lists <= 8, JSON.stringify(proxy.counts))
  })

test('the replicas of the page are settings that are understood', async () => {
  const [module] = guide.blocks('Other buckets', 'tsx')
  using folder = temporaryFolder()
  writeFileSync(folder.file('replicas.ts'), module!)
  const replicas = Object.values((await import(folder.file('replicas.ts'))) as Record<string, object>)
  assert.equal(replicas.length, 3)
  for (const replica of replicas) replicationReaders.replicas([replica], 'replicas')
})
