import { loadConfig, snapshotsOf } from '../../app/index.ts'
import type { Snapshot } from '../../backup/index.ts'
import { formatSize } from '../../core/index.ts'
import type { Command, Output } from '../command.ts'
import { formatTable } from '../table.ts'

/** `handcar snapshot list` */
export const list: Command<{ json?: true }> = {
  name: 'list',
  summary: 'List the snapshots, newest first',
  options: [{ flags: '--json', description: 'print them as JSON' }],
  examples: ['handcar snapshot list', 'handcar snapshot list --json'],
  async run({ folder, output }, { json }) {
    const snapshots = await snapshotsOf(await loadConfig(folder)).list()
    if (json) output.json(snapshots)
    else if (snapshots.length === 0)
      output.line('There are no snapshots; `handcar snapshot create` makes one.')
    else printSnapshots(snapshots, output)
  },
}

/** Prints snapshots as a table. */
export function printSnapshots(snapshots: readonly Snapshot[], output: Output): void {
  const columns = [
    { title: 'snapshot' },
    { title: 'made at' },
    { title: 'size', align: 'right' as const },
    { title: 'why' },
    { title: 'note' },
  ]
  const rows = snapshots.map(({ name, createdAt, bytes, reason, note = '' }) => [
    name,
    new Date(createdAt).toISOString().slice(0, 19).replace('T', ' '),
    formatSize(bytes),
    reason,
    note.length > longestNote ? `${note.slice(0, longestNote)}…` : note,
  ])
  for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
}

/** How much of a note the table shows, in characters. */
const longestNote = 60
