import { loadConfig, replicationIn, verifyDatabases } from '../../app/index.ts'
import type { Verification } from '../../backup/index.ts'
import { formatSize, standardLogger, StateError } from '../../core/index.ts'
import { Database } from '../../database/index.ts'
import { control, type TreeStatus } from '../../supervisor/index.ts'
import type { Command, Output } from '../command.ts'
import { formatDuration, formatNumber } from '../format.ts'
import { assertWanted } from './assert-wanted.ts'

/** `handcar backup verify` */
export const verify: Command<{ json?: true }> = {
  name: 'verify',
  summary: 'Prove that the backup can be restored: restore it elsewhere and compare it with the database',
  description: `A row is written; each replica is restored to a folder of its own until that row is there; what came is checked from one end to
the other and compared with the database, row by row, while the app runs on. It takes space for a second database. The app does the same each day
by itself. Ends with exit code 1 when a replica is not verified.`,
  options: [{ flags: '--json', description: 'print the results as JSON' }],
  examples: ['handcar backup verify', "handcar backup verify --json | jq '.[].verdict'"],
  async run({ folder, output }, { json }) {
    const config = await loadConfig(folder)
    assertWanted(config)
    const tree = await control<TreeStatus>(config.data, 'status')
    if (replicationIn(tree) === undefined)
      throw new StateError(
        'HANDCAR_NOT_RUNNING',
        'Expected an app that makes a backup, got one that was started without',
        {
          fix: 'Stop the app, and start it again.',
        },
      )
    const { migrations: _migrations, ...options } = config.database
    const quiet = { readers: false, checkpointer: false } as const
    await using database = new Database({ ...options, ...quiet, logger: standardLogger })
    await database.start()
    const results = await verifyDatabases(config, {
      database,
      progress: (message) => output.warn(output.color.dim(message)),
    })
    if (json) output.json(results)
    else for (const each of results) print(each, output)
    return results.every(({ verdict }) => verdict === 'verified') ? 0 : 1
  },
}

function print({ verdict, address, reason, ...result }: Verification, output: Output): void {
  const { color } = output
  if (verdict !== 'verified') {
    const paint = verdict === 'failed' ? color.red : color.yellow
    return output.line(`${paint(verdict)} ${address}: ${reason}`)
  }
  const { bytes, rows, compared, restorableAfter, duration } = result
  output.line(
    `${color.green('verified')} ${address}: ${formatSize(bytes!)}, ${formatNumber(compared!)} of ${formatNumber(rows!)} rows compared, a change could be restored after ${formatDuration(restorableAfter!)}; it took ${formatDuration(duration)}`,
  )
}
