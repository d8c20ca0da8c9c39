import type { Command } from '../command.ts'
import { formatNumber } from '../format.ts'
import { formatRelative } from '../jobs/job-table.ts'
import { formatTable, type Column } from '../table.ts'
import { readWholeNumber } from '../whole-number.ts'
import { openInspector } from './open.ts'

type Options = { prefix?: string; limit?: string; after?: string; json?: true }

const columns: readonly Column[] = [
  { title: 'channel' },
  { title: 'messages', align: 'right' },
  { title: 'last', align: 'right' },
  { title: '' },
  { title: 'present', align: 'right' },
]

/** `handcar realtime channels` */
export const channels: Command<Options> = {
  name: 'channels',
  summary: 'List channels, with what is kept of them and how many are there',
  description: 'Channels that have messages, or in which somebody is present, by name.',
  options: [
    { flags: '--prefix <text>', description: 'only channels that begin with it' },
    { flags: '--limit <number>', description: 'how many at most (default: 100)' },
    { flags: '--after <channel>', description: 'go on after this channel, where a list has ended' },
    { flags: '--json', description: 'print a list as JSON' },
  ],
  examples: ['handcar realtime channels', 'handcar realtime channels --prefix room/ --limit 1000'],
  async run(context, { prefix = '', limit = '100', after = '', json }) {
    const { output } = context
    const most = Number(readWholeNumber('--limit', limit, { min: 1, max: 100_000 }))
    await using opened = await openInspector(context)
    const found = opened.inspector.channels({ prefix, after, limit: most + 1 })
    const shown = found.slice(0, most)
    if (json) return output.json(shown)
    if (shown.length === 0) return output.warn(output.color.dim('no channels'))
    const rows = shown.map(({ channel, messages, last, lastAt, present }) => [
      channel,
      formatNumber(messages),
      formatNumber(last ?? undefined),
      lastAt === null ? '' : formatRelative(new Date(lastAt), Date.now()),
      formatNumber(present),
    ])
    for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
    if (found.length > most)
      output.warn(output.color.dim(`there are more: --after '${shown.at(-1)!.channel}'`))
  },
}
