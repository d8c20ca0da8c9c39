import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { litestreams } from '../helpers/litestream.ts'
import { Losses } from './backup-kills.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 60 : 2

for (const kind of ['s3', 'sftp'] as const)
  for (const line of ['0.5', '0.3'] as const)
    test(
      `machines are lost ${rounds} times under write load, and their backup by ${kind} is all that is left (Litestream ${line})`,
      { skip: litestreams[line].isMissing || backupTargets[kind].isMissing, timeout: 14_400_000 },
      async (context) => {
        await using target = await backupTargets[kind].start()
        await using losses = new Losses(line, target)
        try {
          await losses.play(rounds)
        } finally {
          losses.tell(context)
        }
      },
    )
