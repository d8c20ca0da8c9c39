import { stripVTControlCharacters } from 'node:util'

/** One column: its title, and on which side its values stand. Default: left */
export interface Column {
  title: string
  align?: 'left' | 'right'
}

const gap = '  '

/**
 * Lays texts out in columns, as wide as their widest text, under a line of titles. Colours in the texts do not count.
 *
 * @returns the lines, without spaces at their ends
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  styleTitle = (text: string): string => text,
): string[] {
  const titles = columns.map(({ title }) => styleTitle(title))
  const lines = [titles, ...rows]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => widthOf(line[index] ?? ''))))
  return lines.map((line) =>
    columns
      .map(({ align }, index) => padded(line[index] ?? '', widths[index]!, align))
      .join(gap)
      .trimEnd(),
  )
}

function padded(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(width - widthOf(text))
  return align === 'right' ? space + text : text + space
}

const widthOf = (text: string): number => Array.from(stripVTControlCharacters(text)).length
