import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import { engineOf, type JobDefinition, type Jobs, type JobState } from '../../jobs/index.ts'
import { isPart, type PartOf } from '../part-of.ts'
import { selectEnqueued } from './sql.ts'

/** A job that was enqueued and has not ended. */
export interface EnqueuedJob<Payload = unknown> {
  id: number
  name: string
  queue: string
  priority: number
  state: JobState
  payload: Payload
  tags: string[]
  /** When it runs at the earliest; `undefined` for one that may run now. */
  at: Date | undefined
}

/** What is expected of a job, as far as it matters. */
export interface ExpectedJob<Payload = unknown> {
  /** Its payload: an object may leave fields out, also inside; a function says whether it is right. */
  payload?: PartOf<Payload> | ((payload: Payload) => boolean)
  queue?: string
  priority?: number
  state?: JobState
  /** It has these tags, and maybe others. */
  tags?: readonly string[]
  /** It runs at this time, give or take a second. */
  at?: Date | number
}

/** How far the time of a job may be from what is expected, in milliseconds. */
const tolerance = 1_000

/**
 * Makes sure that a job was enqueued and has not ended, and gives those that were.
 *
 * @throws AssertionError that names what is enqueued in its place
 */
export function assertEnqueued<Payload>(
  jobs: Jobs,
  definition: JobDefinition<Payload, unknown>,
  expected: ExpectedJob<Payload> = {},
): EnqueuedJob<Payload>[] {
  const found = matching(jobs, definition, expected)
  if (found.length > 0) return found
  const all = readEnqueued(jobs)
  const others = all.length === 0 ? 'No job is enqueued.' : `Enqueued are:\n${all.map(describe).join('\n')}`
  throw failure(
    `Expected that a job "${definition.name}" is enqueued${wordsOf(expected)}. ${others}`,
    assertEnqueued,
  )
}

/**
 * Makes sure that no such job was enqueued, or that each has ended.
 *
 * @throws AssertionError that names those that are there
 */
export function refuteEnqueued<Payload>(
  jobs: Jobs,
  definition: JobDefinition<Payload, unknown>,
  expected: ExpectedJob<Payload> = {},
): void {
  const found = matching(jobs, definition, expected)
  if (found.length === 0) return
  const message = `Expected that no job "${definition.name}" is enqueued${wordsOf(expected)}. Enqueued are:`
  throw failure(`${message}\n${found.map(describe).join('\n')}`, refuteEnqueued)
}

function matching<Payload>(
  jobs: Jobs,
  { name }: JobDefinition<Payload, unknown>,
  expected: ExpectedJob<Payload>,
): EnqueuedJob<Payload>[] {
  const all = readEnqueued(jobs, name) as EnqueuedJob<Payload>[]
  return all.filter((job) => isAsExpected(job, expected))
}

function readEnqueued(jobs: Jobs, name: string | null = null): EnqueuedJob[] {
  const rows = engineOf(jobs).database.all<{
    id: number
    name: string
    queue: string
    priority: number
    state: JobState
    payload: string
    tags: string | null
    scheduled_at: number | null
  }>(selectEnqueued, { name })
  return rows.map(({ payload, tags, scheduled_at, ...row }) => ({
    ...row,
    payload: JSON.parse(payload),
    tags: tags === null ? [] : (JSON.parse(tags) as string[]),
    at: scheduled_at === null || row.state === 'available' ? undefined : new Date(scheduled_at),
  }))
}

function isAsExpected<Payload>(job: EnqueuedJob<Payload>, expected: ExpectedJob<Payload>): boolean {
  const { payload, tags, at, ...rest } = expected
  return (
    Object.entries(rest).every(([name, value]) => job[name as keyof typeof rest] === value) &&
    (tags === undefined || tags.every((tag) => job.tags.includes(tag))) &&
    (at === undefined || (job.at !== undefined && Math.abs(Number(job.at) - Number(at)) <= tolerance)) &&
    (payload === undefined ||
      (typeof payload === 'function'
        ? (payload as (payload: Payload) => boolean)(job.payload)
        : isPart(payload, job.payload)))
  )
}

function describe({ id, name, queue, state, payload, at }: EnqueuedJob): string {
  const when = at === undefined ? '' : ` at ${at.toISOString()}`
  return `- ${name} (id ${id}, queue ${queue}, ${state}${when}): ${inspect(payload, { breakLength: Infinity })}`
}

const wordsOf = (expected: object): string =>
  Object.keys(expected).length === 0 ? '' : ` with ${inspect(expected, { breakLength: Infinity })}`

function failure(message: string, stackStartFn: (...parameters: never[]) => unknown): AssertionError {
  return new AssertionError({ message, stackStartFn })
}
