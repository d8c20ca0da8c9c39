import { formatSize } from '../../core/index.ts'
import type { LogTotals } from '../../realtime/index.ts'
import { control, type ProcessStats, type TreeStatus } from '../../supervisor/index.ts'
import type { Command, Output } from '../command.ts'
import { formatNumber } from '../format.ts'
import { formatRelative } from '../jobs/job-table.ts'
import { formatTable, type Column } from '../table.ts'
import { openInspector } from './open.ts'

type ProcessEntry = NonNullable<ProcessStats['realtime']> & { name: string }

const columns: readonly Column[] = [
  { title: 'process' },
  { title: 'clients', align: 'right' },
  { title: 'subscriptions', align: 'right' },
  { title: 'behind', align: 'right' },
  { title: 'buffered', align: 'right' },
  { title: 'lag', align: 'right' },
  { title: '' },
]

/** `handcar realtime stats` */
export const stats: Command<{ json?: true }> = {
  name: 'stats',
  summary: 'Show what the log holds, and the clients of each process',
  options: [{ flags: '--json', description: 'print everything as JSON' }],
  examples: ['handcar realtime stats', "handcar realtime stats --json | jq '.processes[].connections'"],
  async run(context, { json }) {
    await using opened = await openInspector(context)
    const totals = opened.inspector.totals()
    const processes = await readProcesses(opened.runFolder)
    if (json) return context.output.json({ ...totals, processes })
    printTotals(totals, context.output)
    printProcesses(processes, context.output)
  },
}

async function readProcesses(runFolder: string): Promise<ProcessEntry[]> {
  // An app that does not run has none.
  const tree = await control<TreeStatus>(runFolder, 'status').catch(() => undefined)
  return (tree?.processes ?? []).flatMap(({ name, stats: { realtime } }) =>
    realtime ? { name, ...realtime } : [],
  )
}

function printTotals({ messages, oldest, position, present }: LogTotals, output: Output): void {
  const since = oldest === null ? '' : `, the oldest of ${formatRelative(new Date(oldest), Date.now())}`
  output.line(`${formatNumber(messages)} ${messages === 1 ? 'message' : 'messages'}${since}`)
  output.line(output.color.dim(`position ${position}`))
  output.line(`${formatNumber(present)} present`)
}

function printProcesses(processes: readonly ProcessEntry[], output: Output): void {
  if (processes.length === 0) return
  const { yellow, bold } = output.color
  const rows = processes.map((each) => [
    each.name,
    formatNumber(each.connections),
    formatNumber(each.subscriptions),
    each.behind === 0 ? '0' : yellow(formatNumber(each.behind)),
    formatSize(each.buffered),
    formatNumber(each.lag),
    each.isReading ? '' : yellow('cannot read the log: the log of the app says why'),
  ])
  output.line()
  for (const line of formatTable(columns, rows, bold)) output.line(line)
}
