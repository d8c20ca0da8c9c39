import { Database, listMigrations, type ListedMigration } from '../../database/index.ts'
import type { MigrateAction } from './action.ts'
import { readMigrations } from './database.ts'

/** `handcar migrate run` */
export const run: MigrateAction = async ({ output }, config, { json }) => {
  const before = new Set((await readMigrations(config)).filter(isApplied).map(keyOf))
  await using database = new Database({ ...config.database, readers: false, checkpointer: false })
  await database.start()
  const after = await listMigrations(database, config.database.migrations)
  const applied = after.filter((each) => isApplied(each) && !before.has(keyOf(each)))
  if (json) return output.json(applied)
  for (const { name } of applied) output.line(`applied ${name}`)
  if (applied.length === 0) output.line('Nothing was pending.')
}

const isApplied = ({ state }: ListedMigration): boolean => state !== 'pending'
const keyOf = ({ owner, name }: ListedMigration): string => `${owner} ${name}`
