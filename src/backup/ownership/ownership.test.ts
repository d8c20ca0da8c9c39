import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { backupTargets, type BackupTarget } from '../../../test/helpers/backup-targets.ts'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { BackupFolder } from '../litestream/folder.ts'
import { readReplicas } from '../litestream/replica.ts'
import { Ownership } from './ownership.ts'
import { sign } from './s3-store.ts'

const logger = recordingLogger()

/** The replicas as a machine with a data folder of its own sees them. */
function machine(
  place: TemporaryFolder,
  name: string,
  target: Pick<BackupTarget, 'replica' | 'environment'>,
): Ownership {
  const replicas = readReplicas([target.replica], 'replicas')
  const { environment } = target
  return new Ownership({
    folder: new BackupFolder(place.file(name)),
    replicas,
    environment: { ...process.env, ...environment },
    logger,
  })
}

for (const [kind, { isMissing, start }] of Object.entries(backupTargets))
  test(
    `a replica belongs to one machine at a time (${kind})`,
    { skip: isMissing, timeout: 120_000 },
    async () => {
      await using target = await start()
      using place = temporaryFolder()
      const [one, other] = ['one', 'other'].map((name) => machine(place, name, target)) as [
        Ownership,
        Ownership,
      ]
      await one.check()
      await one.claim()
      await one.claim()
      const refused = await errorOf(() => other.claim())
      assert.equal(refused.code, 'HANDCAR_REPLICA_OWNED')
      assert.match(refused.message, /belongs to .*one on .*has not let go/)
      assert.equal(await codeOf(() => other.check()), 'HANDCAR_REPLICA_OWNED')
      await other.release()
      await one.check()

      await one.release()
      await other.check()
      await other.claim()
      assert.equal(await codeOf(() => one.claim()), 'HANDCAR_REPLICA_OWNED')
      await one.claim({ takeOver: true })
      assert.equal(await codeOf(() => other.check()), 'HANDCAR_REPLICA_OWNED', 'the other finds out')
    },
  )

test('a machine that another one took the replica from does not get it back when that one stops', async () => {
  using place = temporaryFolder()
  const target = { replica: { type: 'folder' as const, path: place.file('replica') }, environment: {} }
  const [old, newer, third] = ['old', 'newer', 'third'].map((name) => machine(place, name, target)) as [
    Ownership,
    Ownership,
    Ownership,
  ]
  await old.claim()
  await newer.claim({ takeOver: true })
  await newer.release()
  // What it has is older than what the other one has sent.
  assert.equal(await codeOf(() => old.check()), 'HANDCAR_REPLICA_OWNED')
  const refused = await errorOf(() => old.claim())
  assert.equal(refused.code, 'HANDCAR_REPLICA_OWNED')
  assert.match(refused.message, /was written from .*newer on .* since, so that the database here is older/)
  assert.match(refused.fix ?? '', /handcar restore/)
  await newer.claim()
  await newer.release()
  // A data folder that never wrote to it is another matter, and so is one that was restored from it.
  await third.claim()
  await third.release()
  await old.check({ beforeRestore: true })
  await old.forget()
  await old.claim()
})

test('who has lost a race for a replica stays who it was', async () => {
  using place = temporaryFolder()
  const target = { replica: { type: 'folder' as const, path: place.file('replica') }, environment: {} }
  const [one, other] = ['one', 'other'].map((name) => machine(place, name, target)) as [Ownership, Ownership]
  await one.claim()
  const owner = place.file('replica/handcar-owner.json')
  const first = readFileSync(owner, 'utf8')
  const losing = one.claim().catch(() => {})
  await waitUntil('it has written', () => readFileSync(owner, 'utf8') !== first)
  await other.claim({ takeOver: true })
  await losing
  await other.release()
  assert.equal(await codeOf(() => one.claim()), 'HANDCAR_REPLICA_OWNED')
})

test('a note of the owner that nobody can read', async () => {
  using place = temporaryFolder()
  const target = { replica: { type: 'folder' as const, path: place.file('replica') }, environment: {} }
  mkdirSync(place.file('replica'))
  for (const text of ['', '{"token":', 'null', '[]', '{"token":1}']) {
    writeFileSync(place.file('replica/handcar-owner.json'), text)
    const { code, message } = await errorOf(() => machine(place, 'one', target).claim())
    assert.equal(code, 'HANDCAR_REPLICA_OWNED', text)
    assert.match(message, /handcar-owner\.json/)
  }
  await machine(place, 'one', target).claim({ takeOver: true })
})

test(
  'a claim ends when it is broken off',
  { skip: backupTargets.s3.isMissing, timeout: 60_000 },
  async () => {
    await using s3 = await backupTargets.s3.start()
    await using sftp = await backupTargets.sftp.start()
    using place = temporaryFolder()
    for (const [index, target] of [s3, sftp].entries()) {
      target.freeze()
      const signal = AbortSignal.timeout(500)
      const startedAt = performance.now()
      await assert.rejects(machine(place, String(index), target).claim({ signal }), { name: 'TimeoutError' })
      assert.ok(performance.now() - startedAt < 8_000)
      target.thaw()
    }
  },
)

test('of two that claim at the same time one gets it', async () => {
  using place = temporaryFolder()
  const target = { replica: { type: 'folder' as const, path: place.file('replica') }, environment: {} }
  const machines = ['one', 'two', 'three', 'four'].map((name) => machine(place, name, target))
  await Promise.allSettled(machines.map((each) => each.claim()))
  const results = await Promise.allSettled(machines.map((each) => each.check()))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, JSON.stringify(results))
})

test('a data folder that has lost its token is another one; a copy of it is refused once the other has claimed', async () => {
  using place = temporaryFolder()
  const target = { replica: { type: 'folder' as const, path: place.file('replica') }, environment: {} }
  const one = machine(place, 'one', target)
  await one.claim()
  rmSync(place.file('one'), { recursive: true })
  assert.equal(await codeOf(() => one.claim()), 'HANDCAR_REPLICA_OWNED')
})

test('a bucket that cannot be reached: a machine that had it goes on, a new one does not', async () => {
  using place = temporaryFolder()
  const folder = { replica: { type: 'folder' as const, path: place.file('replica') }, environment: {} }
  const one = machine(place, 'one', folder)
  await one.claim()
  // A file in the place of the folder: nothing below it can be read.
  renameSync(place.file('replica'), place.file('away'))
  writeFileSync(place.file('replica'), '')
  assert.equal(await codeOf(() => machine(place, 'two', folder).claim()), 'ENOTDIR')
  await one.claim()
  assert.match(logger.lines.at(-1)!.message, /who owns it is not known now/)
  rmSync(place.file('replica'))
  renameSync(place.file('away'), place.file('replica'))
  await one.claim()
})

test('without keys that can read nobody is refused, which is said', async () => {
  using place = temporaryFolder()
  const replica = { type: 's3' as const, bucket: 'b', endpoint: 'http://127.0.0.1:9' }
  const replicas = readReplicas([replica], 'replicas')
  const log = recordingLogger()
  const ownership = new Ownership({
    folder: new BackupFolder(place.file('one')),
    replicas,
    environment: {},
    logger: log,
  })
  await ownership.claim()
  assert.match(log.lines[0]!.message, /nobody can tell whether another machine writes to it too/)
})

test("requests are signed as Amazon's own example is", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Bucket Lifecycle"
  const headers = sign('GET', new URL('https://examplebucket.s3.amazonaws.com/?lifecycle'), '', {
    region: 'us-east-1',
    keys: {
      id: 'AKIAIOSFODNN7EXAMPLE',
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      token: undefined,
    },
    now: new Date('2013-05-24T00:00:00Z'),
  })
  assert.equal(
    headers['authorization'],
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  )
})
