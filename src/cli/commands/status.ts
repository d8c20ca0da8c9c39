import { setTimeout as sleep } from 'node:timers/promises'
import { control, type TreeStatus } from '../../supervisor/index.ts'
import type { Command } from '../command.ts'
import { runFolderOf } from '../run-folder.ts'
import { describeTree } from '../status-table.ts'

type Options = { json?: true; watch?: true }

const watchInterval = 1_000
const clearScreen = '\x1b[2J\x1b[H'

/** `handcar status` */
export const command: Command<Options> = {
  name: 'status',
  summary: 'Show the processes of the app that runs',
  description:
    'Processes with their memory, requests per second, 99th percentile and queued writes; the databases with their WAL. Requests and times are of the last minute.',
  options: [
    { flags: '--json', description: 'print everything that is known, as JSON' },
    { flags: '--watch', description: 'print it again each second, until Ctrl-C' },
  ],
  examples: [
    'handcar status',
    'handcar status --watch',
    "handcar status --json | jq '.processes[].stats.p99'",
  ],
  async run(context, { json, watch }) {
    const { output } = context
    const runFolder = await runFolderOf(context)
    while (true) {
      const status = await control<TreeStatus>(runFolder, 'status')
      if (watch && output.isTerminal) process.stdout.write(clearScreen)
      if (json) output.json(status)
      else for (const line of describeTree(status, output)) output.line(line)
      if (!watch) return
      await sleep(watchInterval)
    }
  },
}
