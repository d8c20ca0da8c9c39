import type { Command } from '../command.ts'
import { act, actOptions, idsArgument, type ActOptions } from './act.ts'
import { whoActs } from './open.ts'

type Options = ActOptions & { reason?: string }

const reasonOption = { flags: '--reason <text>', description: 'why, for whoever looks at the jobs later' }

/** `handcar jobs cancel` */
export const cancel: Command<Options> = {
  name: 'cancel',
  summary: 'End jobs that are not needed any more',
  description:
    'Jobs that wait end at once. Those that run are told by their signal, in whichever process; what they do about it is theirs.',
  arguments: [idsArgument],
  options: [reasonOption, ...actOptions],
  examples: [
    'handcar jobs cancel 4711 --reason "sent by hand"',
    'handcar jobs cancel --name import --payload customer=17 --yes',
  ],
  run: (context, { reason = 'cancelled by hand', ...options }, ...ids) =>
    act(context, options, ids, {
      action: 'cancel',
      done: 'cancelled',
      run: (jobs, filter) => jobs.cancel(filter, reason, { by: whoActs(context) }),
    }),
}

/** `handcar jobs discard` */
export const discard: Command<Options> = {
  name: 'discard',
  summary: 'Give up jobs that cannot succeed',
  description: 'For jobs that wait. They are kept among those that have failed, and can be retried.',
  arguments: [idsArgument],
  options: [reasonOption, ...actOptions],
  examples: [
    'handcar jobs discard 4711 --reason "the customer is gone"',
    'handcar jobs discard --hold parked --name old-report --yes',
  ],
  run: (context, { reason = 'discarded by hand', ...options }, ...ids) =>
    act(context, options, ids, {
      action: 'discard',
      done: 'discarded',
      run: (jobs, filter) => jobs.discard(filter, reason, { by: whoActs(context) }),
    }),
}
