import { describe, option, OptionsError, readOptions } from '../../core/index.ts'
import type { SqlParameter } from '../../database/index.ts'
import type { JobState } from '../enqueue/job-handle.ts'
import { readTime } from '../time.ts'

/** Why a job that is available does not run: its limit is reached, no code can perform it, or its name is paused. */
export type JobHold = 'limit' | 'parked' | 'paused'

/** Which jobs are meant: those that fit everything that is given. `{}` means all. */
export interface JobFilter {
  ids?: readonly number[]
  state?: JobState | readonly JobState[]
  /** Available jobs that something keeps from running. */
  hold?: JobHold
  name?: string | readonly string[]
  queue?: string | readonly string[]
  tag?: string
  /**
   * A text that occurs in the payload (as JSON), whatever its case; or values by their paths, all of which must be there:
   * `{ 'user.id': 5, 'tags[0]': 'new' }`. A path with dots in a name is written as SQLite does: `'$."a.b"'`.
   */
  payload?: string | Readonly<Record<string, unknown>>
  /** A text that occurs in the reason of the job's state, or in the error of one of its attempts, whatever its case. */
  error?: string
  /** Since this time: when it ended, or when it was enqueued if it has not. */
  after?: Date | number
  /** Before this time, counted as `after`. */
  before?: Date | number
  /** Id of a batch. */
  batch?: number
}

/** A filter that was read: what its statements are given. */
export interface ResolvedFilter {
  readonly ids: readonly number[] | undefined
  readonly states: readonly JobState[] | undefined
  readonly batch: number | undefined
  /** Everything but the ids and the states. */
  readonly parameters: Readonly<Record<string, SqlParameter>>
}

/** All states, in the order of a job's life. */
export const jobStates: readonly JobState[] = [
  'scheduled',
  'available',
  'running',
  'retryable',
  'completed',
  'cancelled',
  'discarded',
]

/** The values of the column `blocked` that a hold stands for. */
const blockings: Readonly<Record<JobHold, readonly number[]>> = { limit: [1], parked: [2, 3], paused: [4] }

/** The hold that a value of the column `blocked` stands for. */
export function holdOf(blocked: number): JobHold | undefined {
  return (Object.keys(blockings) as JobHold[]).find((hold) => blockings[hold].includes(blocked))
}

/**
 * Reads a filter, or the id of one job. Nothing at all is refused: it is more often a mistake than all jobs.
 *
 * @throws OptionsError
 */
export function readFilter(owner: string, given: unknown): ResolvedFilter {
  if (typeof given === 'number') return readFilter(owner, { ids: [given] })
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw option.invalidOption(
      `${owner} filter`,
      'the id of a job, or an object such as { state: "discarded" }',
      given,
    )
  const { ids, state, hold, name, queue, tag, payload, error, after, before, batch } = readOptions(
    owner,
    given,
    {
      ids: option.optional(readIds),
      state: readStates,
      hold: option.optional(option.oneOf<JobHold>(['limit', 'parked', 'paused'], 'limit')),
      name: readNames,
      queue: readNames,
      tag: option.optional(option.text()),
      payload: readPayloadFilter,
      error: option.optional(option.text()),
      after: readTime,
      before: readTime,
      batch: option.optional(option.integer(0, { min: 1, max: Number.MAX_SAFE_INTEGER })),
    },
  )
  if (hold !== undefined && state !== undefined && !state.includes('available'))
    throw new OptionsError(
      'HANDCAR_OPTION_INVALID',
      `${owner}: only jobs that are available have a hold, not ${state.join(', ')}`,
    )
  return {
    ids,
    states: hold === undefined ? state : ['available'],
    batch,
    parameters: {
      holds: hold === undefined ? null : JSON.stringify(blockings[hold]),
      names: name === undefined ? null : JSON.stringify(name),
      queues: queue === undefined ? null : JSON.stringify(queue),
      tag: tag ?? null,
      payload: payload?.values ?? null,
      text: payload?.text ?? null,
      error: error ?? null,
      since: after ?? null,
      until: before ?? null,
      batch: batch ?? null,
    },
  }
}

function readIds(value: unknown, name: string): readonly number[] {
  if (Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && (each as number) > 0))
    return value as number[]
  const wrong: unknown = Array.isArray(value)
    ? value.find((each) => !Number.isSafeInteger(each) || (each as number) <= 0)
    : value
  throw option.invalidOption(name, 'ids of jobs: whole numbers from 1', wrong)
}

function readStates(value: unknown, name: string): readonly JobState[] | undefined {
  if (value === undefined) return undefined
  const states: unknown[] = Array.isArray(value) ? value : [value]
  const wrong = states.find((each) => !jobStates.includes(each as JobState))
  if (states.length === 0 || wrong !== undefined)
    throw option.invalidOption(name, jobStates.join(', '), wrong)
  return states as JobState[]
}

function readNames(value: unknown, name: string): readonly string[] | undefined {
  if (value === undefined) return undefined
  const names: unknown[] = Array.isArray(value) ? value : [value]
  if (names.length > 0 && names.every((each) => typeof each === 'string' && each !== ''))
    return names as string[]
  throw option.invalidOption(name, 'a name, or a list of some', value)
}

/** A path as SQLite's JSON functions take it. */
const jsonPath = /^\$(?:\.(?:[^."[\]]+|"[^"]*")|\[(?:\d+|#-\d+)\])*$/

function readPayloadFilter(value: unknown, name: string) {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return { text: value }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    throw option.invalidOption(name, "a text, or values by their paths, such as { 'user.id': 5 }", value)
  const values: Record<string, unknown> = {}
  for (const [key, wanted] of Object.entries(value)) {
    const path = key.startsWith('$') ? key : key.startsWith('[') ? `$${key}` : `$.${key}`
    if (!jsonPath.test(path))
      throw option.invalidOption(`${name} path`, "a path such as 'user.id' or 'tags[0]'", key)
    if (
      wanted === undefined ||
      typeof wanted === 'function' ||
      typeof wanted === 'symbol' ||
      typeof wanted === 'bigint'
    )
      throw new OptionsError(
        'HANDCAR_OPTION_INVALID',
        `${name} "${key}": expected JSON, got ${describe(wanted)}`,
      )
    values[path] = wanted
  }
  return { values: JSON.stringify(values) }
}
