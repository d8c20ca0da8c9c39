import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backupTargets } from '../helpers/backup-targets.ts'
import { LedgerLoad } from '../helpers/ledger-load.ts'
import { litestreams } from '../helpers/litestream.ts'
import { ReplicatedMachine } from '../helpers/replicated-machine.ts'
import { MoodyS3 } from '../helpers/s3-moods.ts'
import { auditRestored } from './backup-audit.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 400 : 16

/** What is too old is removed all the time, and the bucket goes away in the middle of it, again and again: the newest state stays whole. */
for (const line of ['0.3', '0.5'] as const)
  test(
    `removing what is too old is interrupted, and the backup can be restored (${line})`,
    {
      skip: litestreams[line].isMissing || backupTargets.s3.isMissing,
      timeout: isSoak ? 1_800_000 : 180_000,
    },
    async (context) => {
      const random = new Random()
      context.diagnostic(`HANDCAR_SEED=${random.seed}`)
      await using bucket = await MoodyS3.start()
      await using machine = new ReplicatedMachine({
        line,
        target: bucket.target,
        backup: { retention: '4s', snapshotInterval: '1s' },
      })
      await using load = new LedgerLoad(await machine.start(), 'load')
      await load.untilMore(50)
      await machine.untilReplicated()
      for (let round = 0; round < rounds; round++) {
        bucket.mood = 'well'
        await sleep(random.between(200, 1_500))
        bucket.mood = random.pick(['gone', 'denied', 'full'] as const)
        await sleep(random.between(20, 600))
      }
      bucket.mood = 'well'
      await load.untilMore(50)
      await load.end()
      await machine.untilReplicated()
      const { code, output, errors } = await machine.run(['restore', '--to', machine.folder.file('look')])
      assert.equal(code, 0, output + errors)
      const { kept, lost } = await auditRestored(machine.folder.file('look/app.sqlite3'), load.commits)
      context.diagnostic(
        `${kept.length} transactions, ${bucket.removals} removals, ${bucket.refused} refused`,
      )
      assert.deepEqual(lost, [])
      assert.ok(bucket.removals > 0)
    },
  )
