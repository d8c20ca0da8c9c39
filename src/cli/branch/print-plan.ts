import type { MergePlan } from '../../branches/index.ts'
import type { Output } from '../command.ts'
import { formatTable } from '../table.ts'

/** How many conflicts of a table are shown. */
const shown = 20

/** Prints what a branch has changed, and every reason that keeps a merge from bringing it over. */
export function printPlan({ schema, tables, withoutKey }: MergePlan, output: Output): void {
  const { color } = output
  for (const { type, name, change } of schema) output.line(`${type} ${name}: ${color.yellow(change)}`)
  if (schema.length > 0) output.line()
  if (tables.length === 0) output.line('No row differs.')
  else {
    const right = 'right' as const
    const columns = [
      { title: 'table' },
      ...['added', 'changed', 'deleted', 'conflicts'].map((title) => ({ title, align: right })),
    ]
    const rows = tables.map(({ table, inserts, updates, deletes, conflicts }) => [
      table,
      ...[inserts, updates, deletes].map(String),
      conflicts.length === 0 ? '0' : color.red(String(conflicts.length)),
    ])
    for (const line of formatTable(columns, rows, color.bold)) output.line(line)
  }
  for (const { table, conflicts } of tables) {
    for (const { key, kind, columns } of conflicts.slice(0, shown)) {
      const where = columns.length === 0 ? '' : ` (${columns.join(', ')})`
      output.line(`${color.red('conflict')} ${table} ${JSON.stringify(key, bytesAsText)}: ${kind}${where}`)
    }
    if (conflicts.length > shown) output.line(color.dim(`and ${conflicts.length - shown} more in ${table}`))
  }
  for (const table of withoutKey)
    output.line(
      `${color.red('conflict')} ${table}: it has changed, and has no primary key to tell its rows apart`,
    )
}

/** Bytes as SQL writes them. Node has turned a Buffer into an object of its own by the time it is asked. */
function bytesAsText(_key: string, value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown }
  return type === 'Buffer' && Array.isArray(data) ? `x'${Buffer.from(data).toString('hex')}'` : value
}
