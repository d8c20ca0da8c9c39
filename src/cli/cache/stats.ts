import { formatSize } from '../../core/index.ts'
import { control, type ProcessStats, type TreeStatus } from '../../supervisor/index.ts'
import type { Command, Output } from '../command.ts'
import { formatNumber } from '../format.ts'
import { formatTable, type Column } from '../table.ts'
import { openCache } from './open.ts'

/** What is known of the cache, from its file and from the processes that run. */
interface Known {
  entries: number
  bytes: number
  maxBytes: number
  freeBytes: number
  processes: (NonNullable<ProcessStats['cache']> & { name: string })[]
}

const columns: readonly Column[] = [
  { title: 'process' },
  { title: 'hits', align: 'right' },
  { title: 'misses', align: 'right' },
  { title: 'ratio', align: 'right' },
  { title: 'errors', align: 'right' },
  { title: '' },
]

/** `handcar cache stats` */
export const stats: Command<{ json?: true }> = {
  name: 'stats',
  summary: 'Show how full the cache is, and how often it helps',
  description: 'The file, and what each process that runs has read since its start.',
  options: [{ flags: '--json', description: 'print everything as JSON' }],
  examples: ['handcar cache stats', "handcar cache stats --json | jq '.processes[].ratio'"],
  async run(context, { json }) {
    await using opened = await openCache(context)
    const { entries, bytes, maxBytes, freeBytes } = opened.cache.stats()
    const known = { entries, bytes, maxBytes, freeBytes, processes: await readProcesses(opened.runFolder) }
    if (json) context.output.json(known)
    else print(known, context.output)
  },
}

async function readProcesses(runFolder: string): Promise<Known['processes']> {
  // An app that does not run has none.
  const tree = await control<TreeStatus>(runFolder, 'status').catch(() => undefined)
  return (tree?.processes ?? []).flatMap(({ name, stats: { cache } }) => (cache ? { name, ...cache } : []))
}

function print({ entries, bytes, maxBytes, freeBytes, processes }: Known, output: Output): void {
  const { color } = output
  const share = formatNumber((100 * bytes) / maxBytes, 1)
  output.line(
    `${formatNumber(entries)} ${entries === 1 ? 'entry' : 'entries'}, ${formatSize(bytes)} of ${formatSize(maxBytes)} (${share} %)`,
  )
  if (freeBytes > 0) output.line(color.dim(`${formatSize(freeBytes)} of the file are free`))
  if (processes.length === 0) return
  const rows = processes.map(({ name, hits, misses, ratio, errors, isOn }) => [
    name,
    formatNumber(hits),
    formatNumber(misses),
    hits + misses === 0 ? '–' : `${formatNumber(100 * ratio, 1)} %`,
    errors === 0 ? '0' : color.yellow(formatNumber(errors)),
    isOn ? '' : color.yellow('cannot be used: the log says why'),
  ])
  output.line()
  for (const line of formatTable(columns, rows, color.bold)) output.line(line)
}
