import assert from 'node:assert/strict'
import { test } from 'node:test'
import { litestreams, replicatedApp } from '../helpers/litestream.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { cannotMount, SmallDisk } from './small-disk.ts'

/** Written before the disk is full, and while it is. */
const rows = 20

for (const line of ['0.3', '0.5'] as const) {
  const { path: binary, isMissing } = litestreams[line]

  test(
    `a full disk of the data stops neither the app nor Litestream ${line} for good, and nothing acknowledged is missing`,
    { skip: isMissing || cannotMount, timeout: 180_000 },
    async (context) => {
      using disk = new SmallDisk(24)
      using elsewhere = temporaryFolder()
      const replica = { type: 'folder' as const, path: elsewhere.file('replica') }
      const folder = { path: disk.path, file: (name: string) => disk.file(name), [Symbol.dispose]() {} }
      await using app = await replicatedApp({ binary, replicas: [replica], lagAlarm: '2s' }, {}, {}, folder)
      const status = () => app.litestream.status()
      const lag = () => status().databases[0]!.replicas[0]!.lag
      await app.litestream.start()
      await app.write(rows)
      await waitUntil('everything is replicated', () => lag() === 0, 30_000)
      let acknowledged = rows
      for (const spare of [200_000, 20_000, 0]) {
        disk.fill(spare)
        const until = performance.now() + 4_000
        while (performance.now() < until)
          await app.write(1).then(
            () => acknowledged++,
            () => new Promise((resolve) => setTimeout(resolve, 50)),
          )
        context.diagnostic(`${spare} bytes free: ${status().problem?.message ?? 'no problem'}`)
        disk.release()
        await app.write(rows)
        acknowledged += rows
        await waitUntil('everything is replicated again', () => lag() === 0, 90_000)
      }
      const count = app.database.get<{ count: number }>('select count(*) as count from rows')!.count
      assert.ok(count >= acknowledged)
      disk.fill(4_000_000)
      assert.equal(await app.restoredRows(), count)
    },
  )
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
