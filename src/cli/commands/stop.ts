import { setTimeout as sleep } from 'node:timers/promises'
import { control, type TreeStatus } from '../../supervisor/index.ts'
import type { Command } from '../command.ts'
import { formatDuration } from '../format.ts'
import { runFolderOf } from '../run-folder.ts'

/** `handcar stop` */
export const command: Command = {
  name: 'stop',
  summary: 'Stop the app that runs',
  description:
    'Lets every process finish what it has begun, stops them, and waits until the supervisor is gone. Requests that take longer than processes.stopTimeout are cut, and the log says which.',
  examples: ['handcar stop', 'handcar stop --folder /srv/news/current'],
  async run(context) {
    const startedAt = performance.now()
    const runFolder = await runFolderOf(context)
    const { pid } = await control<TreeStatus>(runFolder, 'status')
    await control(runFolder, 'stop', { onProgress: (message) => context.output.line(message) })
    while (isAlive(pid)) await sleep(10)
    context.output.line(`Stopped in ${formatDuration(performance.now() - startedAt)}.`)
  },
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
