import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { litestreams } from '../helpers/litestream.ts'
import { Past } from './backup-moments.ts'
import { isSoak } from './soak.ts'

const moments = isSoak ? 200 : 10

for (const kind of ['s3', 'sftp'] as const)
  for (const line of ['0.5', '0.3'] as const)
    test(
      `${moments} moments of an eventful past, restored by ${kind} (Litestream ${line})`,
      { skip: litestreams[line].isMissing || backupTargets[kind].isMissing, timeout: 14_400_000 },
      async (context) => {
        await using target = await backupTargets[kind].start()
        await using past = new Past(line, target)
        try {
          await past.make(isSoak ? undefined : 3)
          await past.restore(moments)
        } finally {
          past.tell(context)
        }
      },
    )
