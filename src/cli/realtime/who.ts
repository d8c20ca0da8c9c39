import type { Command } from '../command.ts'
import { formatDuration } from '../format.ts'
import { firstLine } from '../jobs/job-table.ts'
import { formatTable, type Column } from '../table.ts'
import { readWholeNumber } from '../whole-number.ts'
import { openInspector } from './open.ts'

type Options = { limit?: string; json?: true }

const columns: readonly Column[] = [
  { title: 'channel' },
  { title: 'user' },
  { title: 'connection' },
  { title: 'for', align: 'right' },
  { title: 'process' },
  { title: 'metadata' },
]

/** `handcar realtime who` */
export const who: Command<Options> = {
  name: 'who',
  summary: 'Show who is present, in a channel or in all',
  description:
    'Those who have joined the presence of a channel, in all processes. How many connections there are besides shows `handcar realtime stats`.',
  arguments: [{ name: 'channel', description: 'name of a channel (default: all)', optional: true }],
  options: [
    { flags: '--limit <number>', description: 'how many at most (default: 1000)' },
    { flags: '--json', description: 'print a list as JSON' },
  ],
  examples: [
    'handcar realtime who',
    'handcar realtime who room/1',
    "handcar realtime who --json | jq '.[].user'",
  ],
  async run(context, { limit = '1000', json }, channel?: string) {
    const { output } = context
    const most = Number(readWholeNumber('--limit', limit, { min: 1, max: 1_000_000 }))
    await using opened = await openInspector(context)
    const found = opened.inspector.present({ channel, limit: most + 1 })
    const shown = found.slice(0, most)
    if (json) return output.json(shown)
    if (shown.length === 0) return output.warn(output.color.dim('nobody'))
    const now = Date.now()
    const rows = shown.map((each) => [
      each.channel,
      each.user,
      each.connection,
      formatDuration(Math.max(0, now - each.joinedAt)),
      each.process ?? output.color.yellow('stopped'),
      each.metadata === null ? '' : firstLine(JSON.stringify(each.metadata), output),
    ])
    for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
    if (found.length > most) output.warn(output.color.dim(`there are more: --limit ${10 * most}`))
  },
}
