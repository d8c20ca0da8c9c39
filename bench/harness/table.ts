import type { Row } from './scenario.ts'
import type { Target } from './targets.ts'

type Cell = string | number | boolean | null | undefined

/** Aligned columns: numbers to the right, everything else to the left. */
export function table(header: readonly string[], lines: readonly (readonly Cell[])[]): string {
  const texts = [header, ...lines].map((line) => header.map((_, column) => text(line[column])))
  const widths = header.map((_, column) => Math.max(...texts.map((line) => line[column]!.length)))
  const numeric = header.map((_, column) => lines.some((line) => typeof line[column] === 'number'))
  const rendered = texts.map((line) =>
    line
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [rendered[0], rule, ...rendered.slice(1)].join('\n')
}

/** The rows of a result: one table per section, under its name. */
export function rowTables(rows: readonly Row[]): string {
  const sections = Map.groupBy(rows, (row) => row.section)
  return [...sections].map(([section, members]) => `${section}\n\n${sectionTable(members)}`).join('\n\n')
}

/** The targets of a result, each with a mark: ✓ met, ✗ missed, – not measured here. */
export function targetTable(targets: readonly Target[]): string {
  const lines = targets.map(({ met, name, target, value, note }) => [mark(met), name, target, value, note])
  return table(['', 'target', 'promised', 'measured', ''], lines)
}

function sectionTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== 'section')
  return table(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  )
}

function mark(met: boolean | null): string {
  if (met === null) return '–'
  return met ? '✓' : '✗'
}

function text(cell: Cell): string {
  if (cell === null || cell === undefined) return ''
  if (typeof cell === 'number') return cell.toLocaleString('en', { maximumFractionDigits: 3 })
  return String(cell)
}
