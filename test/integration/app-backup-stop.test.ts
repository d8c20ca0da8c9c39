import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { LedgerLoad } from '../helpers/ledger-load.ts'
import { litestreams } from '../helpers/litestream.ts'
import { ReplicatedMachine } from '../helpers/replicated-machine.ts'
import { MoodyS3 } from '../helpers/s3-moods.ts'

/** Ten seconds for Litestream, and what a loaded machine takes for the rest; systemd gives it more. */
const longestStop = 25_000

for (const line of ['0.3', '0.5'] as const)
  test(
    `an app whose bucket answers nothing can be stopped, keeps the replica, and goes on with it (${line})`,
    { skip: litestreams[line].isMissing || backupTargets.s3.isMissing, timeout: 180_000 },
    async () => {
      await using bucket = await MoodyS3.start()
      await using machine = new ReplicatedMachine({ line, target: bucket.target })
      await using other = new ReplicatedMachine({ line, target: bucket.target })
      await using load = new LedgerLoad(await machine.start(), 'load')
      await load.untilMore(20)
      await machine.untilReplicated()
      bucket.mood = 'silent'
      await load.untilMore(20)
      await load.end()
      const startedAt = performance.now()
      await machine.stop()
      const duration = performance.now() - startedAt
      assert.ok(duration < longestStop, `${Math.round(duration)} ms`)

      bucket.mood = 'well'
      // What was written last is only on the first machine.
      const refused = await other.run(['restore'])
      assert.equal(refused.code, 1)
      assert.match(refused.errors, /belongs to .* has not let go/)
      await using more = new LedgerLoad(await machine.start(), 'more')
      await more.untilMore(20)
      await machine.untilReplicated()
      await more.end()
      await machine.untilReplicated()
      await machine.stop()
      const restored = await other.run(['restore'])
      assert.equal(restored.code, 0, restored.errors)
    },
  )
