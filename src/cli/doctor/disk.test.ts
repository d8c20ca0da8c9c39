import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { dataFolder } from './data-folder.ts'
import { diskSpace, judgeSpace } from './disk-space.ts'
import { fileSystem, judgeFileSystem } from './file-system.ts'
import type { Finding } from './finding.ts'
import { locking } from './locking.ts'
import { mountOf, parseMount, readMounts } from './mounts.ts'
import { judgeSync, syncCost } from './sync-cost.ts'

const gigabyte = 1_024 ** 3
const statuses = (findings: Finding[]): string[] => findings.map(({ status }) => status)

const lines = [
  '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '30 22 0:26 / /srv/my\\040app rw,nosuid - tmpfs tmpfs rw,size=1k',
  '31 22 254:16 /volumes/data /srv/my\\040app/data rw - xfs /dev/vdb rw',
  '32 22 0:50 / /mnt/host ro - virtiofs host rw',
]
const mounts = lines.map(parseMount)

test('a path lies on the mount with the longest prefix of whole names', () => {
  assert.equal(mountOf('/srv/my app/data/x', mounts)?.type, 'xfs')
  assert.equal(mountOf('/srv/my app/database', mounts)?.type, 'tmpfs')
  assert.equal(mountOf('/srv/my apple', mounts)?.type, 'ext4')
  assert.deepEqual(mounts[3], {
    point: '/mnt/host',
    root: '/',
    type: 'virtiofs',
    source: 'host',
    isReadOnly: true,
  })
  if (process.platform === 'linux') assert.ok(mountOf(import.meta.dirname, readMounts()))
})

test('file systems: local, volatile, of another machine, read-only, unknown', () => {
  const judge = (type: number, place: { isInContainer?: boolean; isProduction?: boolean } = {}): Finding =>
    judgeFileSystem('/data', type, undefined, { isInContainer: false, isProduction: true, ...place })[0]!
  assert.equal(judge(0xef53).status, 'ok')
  assert.equal(judge(0x01021994).status, 'error')
  assert.equal(judge(0x01021994, { isProduction: false }).status, 'warning')
  assert.match(judge(0x794c7630, { isInContainer: true }).fix!, /docker run --volume data:\/data/)
  assert.match(judge(0x6969).what, /of another machine/)
  assert.match(judge(0xff534d42 | 0).what, /CIFS/)
  assert.match(judge(0x65735546).what, /passed through/)
  assert.match(judge(0x12345).what, /unknown type \(0x12345\)/)
  assert.equal(judge(0x12345).status, 'ok')
  const place = { isInContainer: false, isProduction: true }
  assert.match(judgeFileSystem('/data', 0xef53, mounts[3], place)[0]!.what, /read-only/)
  assert.match(
    judgeFileSystem('/data', 0x65735546, { ...mounts[3]!, isReadOnly: false }, place)[0]!.what,
    /virtiofs/,
  )
})

test('the memory file system of this machine is named', { skip: process.platform !== 'linux' }, async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder, { dataFolder: '/dev/shm/handcar-not-made-yet/data' })
  const [finding] = await fileSystem.run(context)
  assert.equal(finding!.status, 'error')
  assert.match(finding!.what, /^\/dev\/shm lies on tmpfs/)
})

test('free space is measured by what the database takes', async () => {
  assert.deepEqual(statuses(judgeSpace(3 * gigabyte, gigabyte, 1e6)), ['ok'])
  assert.deepEqual(statuses(judgeSpace(3 * gigabyte, 4 * gigabyte, 1e6)), ['warning'])
  assert.deepEqual(statuses(judgeSpace(1_000, 0, 1e6)), ['error'])
  assert.deepEqual(statuses(judgeSpace(3 * gigabyte, 0, 10)), ['warning'])
  assert.deepEqual(statuses(judgeSpace(3 * gigabyte, 0, Infinity)), ['ok'])
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  assert.equal((await diskSpace.run(context)).length, 1)
})

test('syncs are measured; slow ones are warned of', async () => {
  assert.deepEqual(statuses(judgeSync(21, 30)), ['warning'])
  assert.deepEqual(statuses(judgeSync(0.4, 30)), ['ok'])
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  assert.match((await syncCost.run(context))[0]!.what, /a sync takes \d+\.\d\d ms \(median of 20/)
  assert.deepEqual(readdirSync(folder.file('data')), [])
})

test('the locks of this disk work, and the probe leaves nothing behind', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  assert.deepEqual(statuses(await locking.run(context)), ['ok'])
  assert.deepEqual(readdirSync(folder.file('data')), [])
})

test('a data folder that is missing, a file, open to all or open to readers', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  const path = folder.file('data')
  assert.deepEqual(statuses(await dataFolder.run(context)), ['ok'])
  chmodSync(path, 0o755)
  assert.deepEqual(statuses(await dataFolder.run(context)), ['warning'])
  chmodSync(path, 0o777)
  const [open] = await dataFolder.run(context)
  assert.match(open!.what, /every user of this machine may write into .* \(mode 777\)/)
  await open!.canFix!()
  assert.equal(statSync(path).mode & 0o777, 0o770)
  rmSync(path, { recursive: true })
  const [missing] = await dataFolder.run(context)
  assert.equal(missing!.status, 'warning')
  await missing!.canFix!()
  assert.deepEqual(statuses(await dataFolder.run(context)), ['ok'])
  rmSync(path, { recursive: true })
  writeFileSync(path, '')
  assert.deepEqual(statuses(await dataFolder.run(context)), ['error'])
})

test('without a data folder nothing is measured, and nothing made', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  rmSync(folder.file('data'), { recursive: true })
  assert.deepEqual(await locking.run(context), [])
  assert.deepEqual(await syncCost.run(context), [])
  assert.deepEqual(readdirSync(folder.path), [])
})

test('a data folder that cannot be used for a probe is an error, not a crash', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  mkdirSync(folder.file('long'))
  const [finding] = await locking.run({ ...context, dataFolder: '/proc' })
  assert.equal(finding!.status, 'error')
  assert.match(finding!.what, /a scratch database could not be used/)
})
