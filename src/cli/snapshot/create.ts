import { loadConfig, snapshotsOf } from '../../app/index.ts'
import { formatSize } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { formatDuration } from '../format.ts'

type Options = { note?: string; json?: true }

/** `handcar snapshot create` */
export const create: Command<Options> = {
  name: 'create',
  summary: 'Make a snapshot of the database, whether the app runs or not',
  description:
    'It holds everything that was committed when it began. It gets its name when it has been checked and is on disk. One that was made by hand stays until it is deleted.',
  arguments: [
    { name: 'name', description: 'lower-case letters, digits, . _ - (default: the time)', optional: true },
  ],
  options: [
    { flags: '--note <text>', description: 'a remark, shown by list' },
    { flags: '--json', description: 'print the snapshot as JSON' },
  ],
  examples: ['handcar snapshot create', 'handcar snapshot create before-sale --note "prices of 2027"'],
  async run({ folder, output }, { note, json }, name?: string) {
    const snapshots = snapshotsOf(await loadConfig(folder))
    const made = await snapshots.create({
      ...(name !== undefined && { name }),
      ...(note !== undefined && { note }),
    })
    if (json) return output.json(made)
    output.line(
      `Made ${output.color.bold(made.name)}: ${formatSize(made.bytes)} in ${formatDuration(made.duration)}.`,
    )
    if (made.foreignKeyViolations > 0)
      output.warn(
        output.color.yellow(
          `In the database ${made.foreignKeyViolations} rows refer to rows that are not there; see \`handcar doctor\`.`,
        ),
      )
  },
}
