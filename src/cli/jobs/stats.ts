import { setTimeout as sleep } from 'node:timers/promises'
import type { JobsStats } from '../../jobs/index.ts'
import type { Command, Output } from '../command.ts'
import { formatDuration, formatNumber } from '../format.ts'
import { formatTable, type Column } from '../table.ts'
import { openJobs } from './open.ts'

type Options = { json?: true; watch?: true }

const watchInterval = 1_000
const clearScreen = '\x1b[2J\x1b[H'
const columns: readonly Column[] = [
  { title: 'queue' },
  { title: 'waiting', align: 'right' },
  { title: 'oldest', align: 'right' },
  { title: '' },
]

/** `handcar jobs stats` */
export const stats: Command<Options> = {
  name: 'stats',
  summary: 'Count the jobs: queues, and where they stand',
  options: [
    { flags: '--json', description: 'print everything as JSON' },
    { flags: '--watch', description: 'print it again each second, until Ctrl-C' },
  ],
  examples: [
    'handcar jobs stats',
    'handcar jobs stats --watch',
    "handcar jobs stats --json | jq '.queues[].waiting'",
  ],
  async run(context, { json, watch }) {
    const { output } = context
    await using opened = await openJobs(context, { readOnly: true })
    while (true) {
      const { here: _, ...counts } = await opened.jobs.stats()
      if (watch && output.isTerminal) process.stdout.write(clearScreen)
      if (json) output.json(counts)
      else print(counts, output)
      if (!watch) return
      await sleep(watchInterval)
    }
  },
}

function print(stats: Omit<JobsStats, 'here'>, output: Output): void {
  const { color } = output
  const rows = stats.queues.map(({ name, waiting, oldest, paused }) => [
    name,
    formatNumber(waiting),
    waiting === 0 ? '–' : formatDuration(oldest),
    paused ? color.yellow('paused') : '',
  ])
  if (rows.length > 0) {
    for (const line of formatTable(columns, rows, color.bold)) output.line(line)
    output.line()
  }
  const counts: [string, number, string][] = [
    ['running', stats.running, ''],
    ['scheduled', stats.scheduled, 'for later, or for their next attempt'],
    ['limited', stats.blocked, 'until a place in their limit is free'],
    ['parked', stats.parked, 'until there is code that can perform them'],
    ['paused', stats.paused, ''],
    ['ended', stats.finished, 'and still kept'],
    ['discarded', stats.discarded, 'of those: `handcar jobs list --state discarded`'],
  ]
  const names = stats.pausedNames.length === 0 ? '' : color.yellow(`names: ${stats.pausedNames.join(', ')}`)
  const lines = counts.map(([name, count, note]) => [
    name,
    formatNumber(count),
    name === 'paused' ? names : count === 0 ? '' : color.dim(note),
  ])
  const titles: Column[] = [{ title: 'jobs' }, { title: '', align: 'right' }, { title: '' }]
  for (const line of formatTable(titles, lines, color.bold)) output.line(line)
}
