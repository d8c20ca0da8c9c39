import { createBranch, partMigrations, restoreMissing, snapshotBeforeMigrations } from '../../app/index.ts'
import { standardLogger } from '../../core/index.ts'
import { Database, listMigrations, type ListedMigration } from '../../database/index.ts'
import { formatDuration } from '../format.ts'
import type { MigrateAction } from './action.ts'
import { readMigrations } from './database.ts'

/** `handcar migrate run` */
export const run: MigrateAction = async ({ output }, config, { json, snapshot = true }) => {
  await createBranch(config, (message) => output.warn(message))
  // An empty database would take the place of the one in the backup.
  await restoreMissing(config, { logger: standardLogger, progress: (message) => output.warn(message) })
  const before = new Set((await readMigrations(config)).filter(isApplied).map(keyOf))
  const made = snapshot ? await snapshotBeforeMigrations(config, { logger: standardLogger }) : undefined
  if (made) output.warn(`Made the snapshot ${made.name} in ${formatDuration(made.duration)}.`)
  const options = { ...config.database, partMigrations, readers: false, checkpointer: false } as const
  await using database = new Database(options)
  await database.start()
  const after = await listMigrations(database, config.database.migrations, partMigrations)
  const applied = after.filter((each) => isApplied(each) && !before.has(keyOf(each)))
  if (json) return output.json(applied)
  for (const { owner, name } of applied)
    output.line(`applied ${name}${owner === 'app' ? '' : ` of ${owner}`}`)
  if (applied.length === 0) output.line('Nothing was pending.')
}

const isApplied = ({ state }: ListedMigration): boolean => state !== 'pending'
const keyOf = ({ owner, name }: ListedMigration): string => `${owner} ${name}`
