import {
  contentsOfReplicas,
  loadConfig,
  plannedReplication,
  readVerifications,
  replicationIn,
  type ResolvedConfig,
} from '../../app/index.ts'
import type { ReplicationStatus } from '../../backup/index.ts'
import { HandcarError } from '../../core/index.ts'
import { control, type TreeStatus } from '../../supervisor/index.ts'
import type { Command, Output } from '../command.ts'
import { formatDuration } from '../format.ts'
import { assertWanted } from './assert-wanted.ts'
import { printReplicas, withReplicas } from './replica-table.ts'

/** `handcar backup status` */
export const status: Command<{ json?: true }> = {
  name: 'status',
  summary:
    'Tell how the backup is: how far it is behind, what can be restored, when it was verified, what is wrong',
  description:
    'Asks each replica what it has, which takes up to 15 seconds when one does not answer. Ends with exit code 1 when something is wrong, or the app does not run.',
  options: [{ flags: '--json', description: 'print everything that is known, as JSON' }],
  examples: ['handcar backup status', "handcar backup status --json | jq '.problem'"],
  async run({ folder, output }, { json }) {
    const config = await loadConfig(folder)
    assertWanted(config)
    const running = await runningReplication(config)
    const status = running ?? (await plannedReplication(config))
    const [contents, verifications] = await Promise.all([
      contentsOfReplicas(config),
      readVerifications(config),
    ])
    const databases = withReplicas(status.databases, contents, verifications.found)
    const isRunning = running !== undefined
    const verification = { problem: verifications.problem ?? null }
    if (json) output.json({ running: isRunning, ...status, databases, verification })
    else {
      printReplication(status, output, isRunning)
      if (verifications.problem !== undefined) output.line(output.color.red(verifications.problem))
      output.line()
      printReplicas(databases, output)
    }
    return isRunning && status.problem === undefined && verifications.problem === undefined ? 0 : 1
  },
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
}
