import { loadConfig, plannedReplication, replicationIn, type ResolvedConfig } from '../../app/index.ts'
import type { ReplicationStatus } from '../../backup/index.ts'
import { HandcarError } from '../../core/index.ts'
import { control, type TreeStatus } from '../../supervisor/index.ts'
import type { Command, Output } from '../command.ts'
import { formatDuration } from '../format.ts'
import { formatTable } from '../table.ts'

/** `handcar backup status` */
export const status: Command<{ json?: true }> = {
  name: 'status',
  summary: 'Tell how the backup is: where it goes, how far it is behind, what is wrong',
  description: 'Ends with exit code 1 when something is wrong, or the app does not run.',
  options: [{ flags: '--json', description: 'print everything that is known, as JSON' }],
  examples: ['handcar backup status', "handcar backup status --json | jq '.problem'"],
  async run({ folder, output }, { json }) {
    const config = await loadConfig(folder)
    assertWanted(config)
    const running = await runningReplication(config)
    const status = running ?? (await plannedReplication(config))
    if (json) output.json({ running: running !== undefined, ...status })
    else printReplication(status, output, running !== undefined)
    return running === undefined || status.problem !== undefined ? 1 : 0
  },
}

function assertWanted({ backup, environment }: ResolvedConfig): void {
  if (backup.replicas.length === 0)
    throw new HandcarError('HANDCAR_BACKUP_OFF', 'Expected a replica in backup.replicas, got none')
  if (environment !== 'production')
    throw new HandcarError(
      'HANDCAR_BACKUP_OFF',
      `The app runs as "${environment}", and only production is backed up`,
      { fix: 'Set NODE_ENV=production to look at the backup of the production.' },
    )
}

/** `undefined` when the app does not run, or has been started without a backup. */
async function runningReplication({ data }: ResolvedConfig): Promise<ReplicationStatus | undefined> {
  try {
    return replicationIn(await control<TreeStatus>(data, 'status'))
  } catch (error) {
    if (error instanceof HandcarError && error.code === 'HANDCAR_NOT_RUNNING') return undefined
    throw error
  }
}

function printReplication(status: ReplicationStatus, output: Output, isRunning: boolean): void {
  const { color } = output
  const { litestream, pid, uptime, restarts, problem, lastError } = status
  const program = litestream === undefined ? 'Litestream' : `Litestream ${litestream.version}`
  if (isRunning) {
    const since = pid === undefined ? '' : `, process ${pid}, for ${formatDuration(uptime)}`
    output.line(`${color.bold(program)} ${status.state}${since}, ${restarts} restarts`)
  } else
    output.line(
      color.yellow(`The app does not run, or was started without a backup; ${program} would make it`),
    )
  if (problem !== undefined) output.line(color.red(problem.message))
  else if (lastError !== undefined)
    output.line(color.dim(`last error, at ${new Date(lastError.at).toISOString()}: ${lastError.message}`))
  const columns = [{ title: 'database' }, { title: 'replica' }, { title: 'behind', align: 'right' as const }]
  const rows = status.databases.flatMap(({ name, replicas }) =>
    replicas.map(({ address, lag }) => [
      name,
      address,
      lag === undefined ? 'not known' : formatDuration(lag),
    ]),
  )
  output.line()
  for (const line of formatTable(columns, rows, color.bold)) output.line(line)
}
