import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { litestreams } from '../helpers/litestream.ts'
import { Losses } from './backup-kills.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 200 : 4

for (const line of ['0.5', '0.3'] as const)
  test(
    `machines are lost ${rounds} times under write load, and their backup in a folder is all that is left (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 14_400_000 },
    async (context) => {
      await using target = await backupTargets.folder.start()
      await using losses = new Losses(line, target)
      try {
        await losses.play(rounds)
      } finally {
        losses.tell(context)
      }
    },
  )
