import type { Engine } from './engine.ts'
import { describeError } from './finisher.ts'
import type { JobContext } from './job-context.ts'
import { Outcome } from './outcome.ts'
import { encode } from './payload.ts'
import type { Finish, RunningJob } from './running-job.ts'

const completed: Finish = { state: 'completed' }

/** The finish of a job that has returned. A result that is not JSON is lost, but the work was done: the job has completed. */
export function resultOf({ row }: RunningJob, value: unknown, { maxPayload, logger }: Engine): Finish {
  if (value === undefined) return completed
  try {
    return { state: 'completed', result: encode(value, `result of job "${row.name}"`, maxPayload) }
  } catch (error) {
    const { message } = describeError(error)
    logger.warn({ job: row.name, jobId: row.id, error: message }, 'the result of a job could not be kept')
    return { state: 'completed', reason: message }
  }
}

/** The finish of a job that has said what becomes of it. */
export function outcomeOf(
  { row }: RunningJob,
  { kind, delay, reason, isReady }: Outcome,
  now: number,
): Finish {
  switch (kind) {
    case 'snooze':
      return { state: 'scheduled', scheduledAt: now + delay!, isUncounted: true, reason }
    case 'suspend':
      return {
        state: 'scheduled',
        scheduledAt: delay === undefined ? undefined : now + delay,
        isUncounted: true,
        isReady,
      }
    case 'discard':
      return { state: 'discarded', reason }
    case 'cancel':
      return { state: 'cancelled', reason }
    case 'retry':
      if (row.attempt >= row.max_attempts) return { state: 'discarded', reason, error: reason }
      return { state: 'retryable', scheduledAt: now + delay!, reason, error: reason ?? 'retried later' }
  }
}

/** The finish of a job whose attempt has failed. */
export function failureOf(job: RunningJob, context: JobContext, thrown: unknown, engine: Engine): Finish {
  const { row, definition } = job
  if (job.abortCause === 'stop') return { state: 'available', isUncounted: true }
  if (job.abortCause === 'cancel')
    return { state: 'cancelled', reason: describeError(job.abortReason).message, error: thrown }
  const error = job.abortCause === 'timeout' ? job.abortReason : thrown
  const { message } = describeError(error)
  const now = engine.clock.now()
  const policy = askPolicy(job, context, error, engine)
  if (policy instanceof Outcome) {
    const finish = outcomeOf(job, policy, now)
    return { ...finish, reason: finish.reason ?? message, error }
  }
  if (policy === 'discard' || row.attempt >= row.max_attempts)
    return { state: 'discarded', reason: message, error }
  const delay = Math.max(0, Math.ceil(Number(definition.backoff(row.attempt)) || 0))
  return { state: 'retryable', scheduledAt: now + delay, reason: message, error }
}

/** A policy that throws itself says nothing. */
function askPolicy({ definition, row }: RunningJob, context: JobContext, error: unknown, { logger }: Engine) {
  try {
    return definition.onError?.(error, context)
  } catch (failure) {
    logger.error(
      { job: row.name, jobId: row.id, error: describeError(failure).message },
      'onError of a job failed',
    )
    return undefined
  }
}
