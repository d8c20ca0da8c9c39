import type { Command } from '../command.ts'
import { act, actOptions, idsArgument, type ActOptions } from './act.ts'

/** `handcar jobs delete` */
export const deleteJobs: Command<ActOptions> = {
  name: 'delete',
  summary: 'Delete jobs that have ended, with their errors, logs and steps',
  description:
    'Old jobs are deleted by themselves; this is for those that have to go now. The members of a batch that is open stay.',
  arguments: [idsArgument],
  options: actOptions,
  examples: [
    'handcar jobs delete 4711',
    'handcar jobs delete --state completed --before 1h',
    'handcar jobs delete --payload user.id=5 --yes',
  ],
  run: (context, options, ...ids) =>
    act(context, options, ids, {
      action: 'delete',
      done: 'deleted',
      run: (jobs, filter) => jobs.delete(filter),
    }),
}
