import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { act, actOptions, idsArgument, type ActOptions } from './act.ts'
import { whoActs } from './open.ts'
import { readMoment } from './values.ts'

/** `handcar jobs reschedule` */
export const reschedule: Command<ActOptions & { at?: string }> = {
  name: 'reschedule',
  summary: 'Give jobs that wait another time',
  description:
    'A job that waits for another job, or for an event, is left alone; a durable sleep still takes its whole time.',
  arguments: [idsArgument],
  options: [
    {
      flags: '--at <time>',
      description: 'now, 30m for half an hour from now, or 2026-11-20T09:30 (required)',
    },
    ...actOptions,
  ],
  examples: [
    'handcar jobs reschedule 4711 --at now',
    'handcar jobs reschedule --queue mail --state scheduled,retryable --at 2026-11-21T06:00 --yes',
  ],
  run: (context, { at, ...options }, ...ids) => {
    if (at === undefined)
      throw new UsageError('jobs reschedule: expected --at', 'Say when: --at now, --at 30m.')
    const time = readMoment('--at', at, 1)
    return act(context, options, ids, {
      action: 'reschedule',
      done: 'rescheduled',
      run: (jobs, filter) => jobs.reschedule(filter, time, { by: whoActs(context) }),
    })
  },
}
