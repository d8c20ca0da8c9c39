import { parseDuration, type Duration } from '../../core/index.ts'
import type { RetryOptions } from '../../jobs/index.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { act, actOptions, idsArgument, type ActOptions } from './act.ts'
import { whoActs } from './open.ts'

/** `handcar jobs retry` */
export const retry: Command<ActOptions & { rate?: string }> = {
  name: 'retry',
  summary: 'Run jobs again that have failed, were discarded or cancelled',
  description: `Jobs that had ended get all their attempts again and go on behind the durable steps that they have done; one that waits for its next
attempt begins at once. Jobs that have completed run again only with --state completed.`,
  arguments: [idsArgument],
  options: [
    ...actOptions,
    {
      flags: '--rate <number/time>',
      description: 'begin no more than so many per time: 100/1s; default: all now',
    },
  ],
  examples: [
    'handcar jobs retry 4711',
    'handcar jobs retry --state discarded --name welcome-mail',
    'handcar jobs retry --error "no such host" --after 1d --rate 50/1s --yes',
  ],
  run: (context, { rate, ...options }, ...ids) => {
    const spread = readRate(rate)
    return act(context, options, ids, {
      action: 'retry',
      done: 'retried',
      run: (jobs, filter) => jobs.retry(filter, { ...spread, by: whoActs(context) }),
    })
  },
}

function readRate(rate: string | undefined): RetryOptions {
  if (rate === undefined) return {}
  const [count = '', per = ''] = rate.split('/')
  if (/^[1-9]\d{0,5}$/.test(count) && parseDuration(per))
    return { count: Number(count), per: per as Duration }
  throw new UsageError(
    `--rate: expected a number per time such as 100/1s, got "${rate}"`,
    'Correct the rate.',
  )
}
