import { loadConfig, snapshotsOf } from '../../app/index.ts'
import { formatSize, parseDuration, parseSize } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { readWholeNumber } from '../whole-number.ts'
import { printSnapshots } from './list.ts'

type Options = {
  keep?: string
  olderThan?: string
  maxBytes?: string
  all?: true
  dryRun?: true
  json?: true
}

/** `handcar snapshot prune` */
export const prune: Command<Options> = {
  name: 'prune',
  summary: 'Delete the snapshots that are too many, too old or too large',
  description:
    'Those that were made before migrations and merges, each kind by itself; those that were made by hand only with --all. The newest stays in any case. Without a limit the setting backup.snapshots.keep counts.',
  options: [
    { flags: '--keep <number>', description: 'how many to keep' },
    { flags: '--older-than <duration>', description: 'delete those that are older: 7d, 12h' },
    { flags: '--max-bytes <size>', description: 'how much they may take together: 2gb' },
    { flags: '--all', description: 'those that were made by hand as well' },
    { flags: '--dry-run', description: 'only show which would be deleted' },
    { flags: '--json', description: 'print { dryRun, deleted } as JSON' },
  ],
  examples: [
    'handcar snapshot prune --dry-run',
    'handcar snapshot prune --keep 2',
    'handcar snapshot prune --older-than 30d --all',
  ],
  async run({ folder, output }, { keep, olderThan, maxBytes, all, dryRun = false, json }) {
    const snapshots = snapshotsOf(await loadConfig(folder))
    const deleted = await snapshots.prune({
      ...(keep !== undefined && {
        count: Number(readWholeNumber('--keep', keep, { min: 1, max: 1_000_000 })),
      }),
      ...(olderThan !== undefined && { age: read('--older-than', olderThan, parseDuration, '7d') }),
      ...(maxBytes !== undefined && { bytes: read('--max-bytes', maxBytes, parseSize, '2gb') }),
      all: all ?? false,
      dryRun,
    })
    if (json) return output.json({ dryRun, deleted })
    if (deleted.length === 0) return output.line('There is nothing to delete.')
    printSnapshots(deleted, output)
    const bytes = formatSize(deleted.reduce((sum, each) => sum + each.bytes, 0))
    output.line(dryRun ? `These would be deleted: ${bytes}.` : `Deleted: ${bytes}.`)
  },
}

function read(
  option: string,
  text: string,
  parse: (text: string) => number | undefined,
  example: string,
): number {
  const value = parse(text)
  if (value !== undefined) return value
  throw new UsageError(`${option}: expected a value such as ${example}, got "${text}"`, 'Correct the value.')
}
