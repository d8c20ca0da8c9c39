import { parseDuration, type Duration } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { openJobs } from './open.ts'

/** `handcar jobs drain` */
export const drain: Command<{ timeout?: string }> = {
  name: 'drain',
  summary: 'Wait until nothing runs or could run now',
  description:
    'Jobs that are paused, parked, or wait for their time do not count. It waits for the processes of the app, and performs nothing.',
  arguments: [{ name: 'queue', description: 'only this queue', optional: true }],
  options: [
    {
      flags: '--timeout <duration>',
      description: 'wait so long at most; the exit code is 1 when that was too short',
    },
  ],
  examples: ['handcar jobs drain', 'handcar jobs drain mail --timeout 5m'],
  async run(context, { timeout }, queue) {
    if (timeout !== undefined && parseDuration(timeout) === undefined)
      throw new UsageError(`--timeout: expected a span such as 5m, got "${timeout}"`, 'Correct the span.')
    await using opened = await openJobs(context)
    await opened.jobs.drain(queue, timeout === undefined ? {} : { timeout: timeout as Duration })
    context.output.line(queue === undefined ? 'The queues are drained.' : `The queue ${queue} is drained.`)
  },
}
