import { formatTable } from '../table.ts'
import type { MigrateAction } from './action.ts'
import { readMigrations } from './database.ts'

/** `handcar migrate status` */
export const status: MigrateAction = async ({ output }, config, { json }) => {
  const migrations = await readMigrations(config)
  const { color } = output
  const states = { applied: color.green, pending: color.yellow, changed: color.red, unknown: color.red }
  // A database that was made from a dumped schema does not know when.
  const rows = migrations.map(({ owner, name, state, appliedAt }) => [
    name,
    owner,
    states[state](state),
    appliedAt ? new Date(appliedAt).toISOString() : '',
  ])
  const columns = [{ title: 'migration' }, { title: 'of' }, { title: 'state' }, { title: 'applied at' }]
  if (json) output.json(migrations)
  else if (rows.length === 0) output.line('There are no migrations.')
  else for (const line of formatTable(columns, rows, color.bold)) output.line(line)
  return migrations.some(({ state }) => state === 'changed' || state === 'unknown') ? 1 : 0
}
