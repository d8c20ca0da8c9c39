import { AssertionError } from 'node:assert'
import { StateError, type Duration } from '../../core/index.ts'
import { engineOf, Worker, type JobDefinition, type Jobs, type JobState } from '../../jobs/index.ts'
import { Attempts } from './attempts.ts'
import { returnJob, selectNext, selectPerformed, takeJob } from './sql.ts'

/** What an attempt has come to. */
export interface PerformedJob<Result = unknown> {
  id: number
  /** Where the job is now. */
  state: JobState
  /** What it has returned, when it was completed. */
  result: Result | undefined
  /** What it has thrown. */
  error: unknown
  /** Why it is in its state, in words. */
  reason: string | undefined
}

/** A queue that nothing else is in. */
const ownQueue = 'handcar.testing'

/**
 * Performs one job: the next one that is due, of a definition or of any. The others stay as they are. Resolves also when it fails,
 * with what it has thrown. For jobs that are not performed by themselves (`work: false`, or `work: { begin: 'later' }`).
 *
 * @param options `timeout`: how long it may take. Default: `'30s'`.
 * @throws AssertionError when there is none; TimeoutError `HANDCAR_JOB_TIMEOUT`; StateError `HANDCAR_OPTION_INVALID`
 */
export async function performOne<Payload = unknown, Result = unknown>(
  jobs: Jobs,
  definition?: JobDefinition<Payload, Result>,
  { timeout = '30s' }: { timeout?: Duration } = {},
): Promise<PerformedJob<Result>> {
  if (jobs.isWorking)
    throw new StateError('HANDCAR_OPTION_INVALID', 'performOne expects jobs that are not performed already')
  const engine = engineOf(jobs)
  const { database, clock } = engine
  const next = database.get<{ id: number; queue: string }>(selectNext, {
    name: definition?.name ?? null,
    now: clock.now(),
  })
  if (next === undefined)
    throw new AssertionError({
      message: `No job${definition ? ` "${definition.name}"` : ''} is to be performed now`,
    })
  const { id, queue } = next
  using attempts = new Attempts(jobs)
  await database.run(takeJob, [ownQueue, id])
  const options = {
    slots: 1,
    queues: ownQueue,
    ageing: 0,
    pace: 'full',
    maxJobs: undefined,
    maxRss: undefined,
  } as const
  const worker = new Worker(engine, options)
  await worker.start()
  try {
    await jobs.drain(ownQueue, { timeout })
  } finally {
    await worker.stop(1_000)
    await database.run(returnJob, [queue, id])
  }
  const row = database.get<{ state: JobState; result: string | null; reason: string | null }>(
    selectPerformed,
    [id],
  )
  return {
    id,
    state: row?.state ?? 'completed',
    result: row?.result ? (JSON.parse(row.result) as Result) : undefined,
    error: attempts.failures.find((failure) => failure.id === id)?.error,
    reason: row?.reason ?? undefined,
  }
}
