import type { Output } from '../command.ts'
import { formatTable } from '../table.ts'

type Row = Record<string, unknown>

const longestText = 80

/** Prints rows as a table, or tells that there are none. */
export function printRows(rows: readonly Row[], output: Output): void {
  if (rows.length === 0) return output.warn(output.color.dim('no rows'))
  const names = Object.keys(rows[0]!)
  const columns = names.map((title) => ({ title, align: alignmentOf(rows, title) }))
  const cells = rows.map((row) => names.map((name) => textOf(row[name], output)))
  for (const line of formatTable(columns, cells, output.color.bold)) output.line(line)
}

/** Tells how many rows a statement changed. */
export const describeChanges = (changes: number): string =>
  `${changes} ${changes === 1 ? 'row' : 'rows'} changed`

/** Rows for JSON: bytes as hexadecimal text. */
export function plainRows(rows: readonly Row[]): Row[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)])),
  )
}

function plainValue(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

/** On a terminal a long text would break the table; what is piped on is whole. */
function textOf(value: unknown, output: Output): string {
  if (value === null) return output.color.dim('null')
  if (value instanceof Uint8Array) return shortened(`x'${Buffer.from(value).toString('hex')}'`, output)
  return shortened(`${value as string | number | bigint}`.replaceAll('\n', '\\n'), output)
}

function shortened(text: string, { isTerminal }: Output): string {
  return isTerminal && text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text
}

function alignmentOf(rows: readonly Row[], name: string): 'left' | 'right' {
  return rows.every((row) => row[name] === null || typeof row[name] === 'number') ? 'right' : 'left'
}
