import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { litestreams } from '../helpers/litestream.ts'
import { Past } from './backup-moments.ts'
import { isSoak } from './soak.ts'

const moments = isSoak ? 200 : 20

for (const line of ['0.5', '0.3'] as const)
  test(
    `${moments} moments of an eventful past, restored from a folder (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 14_400_000 },
    async (context) => {
      await using target = await backupTargets.folder.start()
      await using past = new Past(line, target)
      try {
        await past.make()
        await past.restore(moments)
      } finally {
        past.tell(context)
      }
    },
  )
