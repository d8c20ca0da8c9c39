import { backlog } from './backlog.ts'
import { cacheFile } from './cache-file.ts'
import { clock } from './clock.ts'
import { configuration } from './configuration.ts'
import { databaseFiles } from './database-files.ts'
import { dataFolder } from './data-folder.ts'
import { descriptors } from './descriptors.ts'
import { diskSpace } from './disk-space.ts'
import { fileSettings } from './file-settings.ts'
import { fileSystem } from './file-system.ts'
import type { Check } from './finding.ts'
import { foreignKeyIndexes } from './foreign-key-indexes.ts'
import { foreignKeys } from './foreign-keys.ts'
import { integrity } from './integrity.ts'
import { leftovers } from './leftovers.ts'
import { litestream } from './litestream.ts'
import { locking } from './locking.ts'
import { memory } from './memory.ts'
import { migrations } from './migrations.ts'
import { nodeVersion } from './node-version.ts'
import { otherPrograms } from './other-programs.ts'
import { port } from './port.ts'
import { realtime } from './realtime.ts'
import { sqliteCommand } from './sqlite-command.ts'
import { sqliteVersion } from './sqlite-library.ts'
import { swap } from './swap.ts'
import { syncCost } from './sync-cost.ts'
import { verification } from './verification.ts'
import { writeAheadLog } from './write-ahead-log.ts'

/** Checks that are reported under one heading. */
export interface CheckGroup {
  title: string
  checks: readonly Check[]
}

/** Everything that `handcar doctor` looks at, in this order: each next thing rests on those before it. */
export const checkGroups: readonly CheckGroup[] = [
  { title: 'Programs', checks: [configuration, nodeVersion, sqliteVersion, sqliteCommand] },
  { title: 'Disk', checks: [dataFolder, fileSystem, locking, diskSpace, syncCost] },
  {
    title: 'Database',
    checks: [
      databaseFiles,
      otherPrograms,
      fileSettings,
      writeAheadLog,
      migrations,
      foreignKeys,
      foreignKeyIndexes,
      integrity,
    ],
  },
  { title: 'Cache', checks: [cacheFile] },
  { title: 'Realtime', checks: [realtime] },
  { title: 'Backup', checks: [litestream, verification] },
  { title: 'Machine', checks: [memory, swap, descriptors, backlog, clock, port, leftovers] },
]
