import assert from 'node:assert/strict'
import { test } from 'node:test'
import { litestreams, replicatedApp } from '../helpers/litestream.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { cannotMount, SmallDisk } from './small-disk.ts'

/** Written before the disk is full, and while it is. */
const rows = 20

for (const line of ['0.3', '0.5'] as const) {
  const { path: binary, isMissing } = litestreams[line]
  test(
    `a replica on a full disk is a problem, and Litestream ${line} catches up when there is room`,
    { skip: isMissing || cannotMount, timeout: 120_000 },
    async () => {
      using disk = new SmallDisk(16)
      await using app = await replicatedApp({
        binary,
        replicas: [{ type: 'folder', path: disk.file('replica') }],
        lagAlarm: '2s',
      })
      const status = () => app.litestream.status()
      const lag = () => status().databases[0]!.replicas[0]!.lag
      await app.litestream.start()
      await app.write(rows)
      await waitUntil('everything is replicated', () => lag() === 0, 30_000)
      disk.fill()
      await app.write(rows)
      // 0.5 says why; 0.3 hangs without a word.
      await waitUntil('the problem', () => status().problem !== undefined, 30_000)
      disk.release()
      await waitUntil('everything is replicated again', () => lag() === 0, 60_000)
      assert.equal(await app.restoredRows(), 2 * rows)
    },
  )
}
