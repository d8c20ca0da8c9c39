import { nearestName } from '../../core/index.ts'
import { jobStates, type JobFilter, type JobHold, type JobState } from '../../jobs/index.ts'
import type { CommandOption } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { readId, readList, readMoment } from './values.ts'

/** What the options of a filter come to. */
export type FilterOptions = {
  state?: string
  hold?: string
  name?: string
  queue?: string
  tag?: string
  payload?: string[]
  error?: string
  after?: string
  before?: string
  batch?: string
}

/** The options that say which jobs are meant. */
export const filterOptions: CommandOption[] = [
  {
    flags: '--state <states>',
    description:
      'scheduled, available, running, retryable, completed, cancelled, discarded; several with commas',
  },
  {
    flags: '--hold <why>',
    description:
      'available jobs that do not run: limit (it is reached), parked (no code can perform them), paused',
    choices: ['limit', 'parked', 'paused'],
  },
  { flags: '--name <names>', description: 'names of jobs, with commas' },
  { flags: '--queue <queues>', description: 'queues, with commas' },
  { flags: '--tag <tag>', description: 'a tag' },
  {
    flags: '--payload <text>',
    description: 'a text in the payload, or path=value, such as user.id=5; may be given more than once',
    repeatable: true,
  },
  { flags: '--error <text>', description: 'a text in the reason of the state or in an error' },
  {
    flags: '--after <time>',
    description: 'ended (or were enqueued) since: 2h for two hours ago, or 2026-11-20T09:30',
  },
  { flags: '--before <time>', description: 'ended (or were enqueued) before' },
  { flags: '--batch <id>', description: 'members of a batch or workflow' },
]

/** Reads the options of a filter; `undefined` when none was given. */
export function readFilterOptions(options: FilterOptions): JobFilter | undefined {
  const { state, hold, name, queue, tag, payload, error, after, before, batch } = options
  const filter: JobFilter = {
    ...(state !== undefined && { state: readStates(state) }),
    ...(hold !== undefined && { hold: hold as JobHold }),
    ...(name !== undefined && { name: readList(name) }),
    ...(queue !== undefined && { queue: readList(queue) }),
    ...(tag !== undefined && { tag }),
    ...(payload !== undefined && { payload: readPayload(payload) }),
    ...(error !== undefined && { error }),
    ...(after !== undefined && { after: readMoment('--after', after, -1) }),
    ...(before !== undefined && { before: readMoment('--before', before, -1) }),
    ...(batch !== undefined && { batch: readId(batch) }),
  }
  return Object.keys(filter).length === 0 ? undefined : filter
}

function readStates(text: string): JobState[] {
  const states = readList(text)
  const wrong = states.find((each) => !jobStates.includes(each as JobState))
  if (states.length > 0 && wrong === undefined) return states as JobState[]
  const nearest = wrong && nearestName(wrong, jobStates)
  throw new UsageError(
    `--state: expected ${jobStates.join(', ')}, got "${wrong ?? text}"`,
    nearest ? `Did you mean "${nearest}"?` : 'Correct the state.',
  )
}

const pathAndValue = /^(\$?[\w.[\]#-]+)=(.*)$/s

/** A text, or paths with their values, which are JSON where they can be. */
function readPayload(given: readonly string[]): string | Record<string, unknown> {
  const [first = ''] = given
  if (given.length === 1 && !pathAndValue.test(first)) return first
  return Object.fromEntries(
    given.map((each) => {
      const [, path = each, text = ''] = pathAndValue.exec(each) ?? []
      return [path, jsonOrText(text)]
    }),
  )
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
