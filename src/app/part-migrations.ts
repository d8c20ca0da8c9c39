import { backupMigrations } from '../backup/index.ts'
import { Cache } from '../cache/index.ts'
import type { Migration } from '../database/index.ts'
import { Jobs } from '../jobs/index.ts'
import { Realtime } from '../realtime/index.ts'

/** The migrations of the parts of handcar that keep their rows in the app's database. */
export const partMigrations: Readonly<Record<string, readonly Migration[]>> = {
  jobs: Jobs.migrations,
  cache: Cache.appMigrations,
  realtime: Realtime.migrations,
  backup: backupMigrations,
}
