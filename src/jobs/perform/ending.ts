import { StateError } from '../../core/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import { usualBackoff } from '../definition/backoff.ts'
import { describeError } from '../describe-error.ts'
import { timeAfter } from '../time.ts'
import type { JobContext } from './job-context.ts'
import { Outcome } from './outcome.ts'
import { encode } from '../definition/payload.ts'
import { CrashError } from './performer-child.ts'
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
      return { state: 'scheduled', scheduledAt: timeAfter(now, delay!), isUncounted: true, reason }
    case 'suspend':
      return {
        state: 'scheduled',
        scheduledAt: delay === undefined ? undefined : timeAfter(now, delay),
        isUncounted: true,
        isReady,
      }
    case 'discard':
      return { state: 'discarded', reason }
    case 'cancel':
      return { state: 'cancelled', reason }
    default:
      if (row.attempt >= row.max_attempts) return { state: 'discarded', reason, error: reason }
      return {
        state: 'retryable',
        scheduledAt: timeAfter(now, delay!),
        reason,
        error: reason ?? 'retried later',
      }
  }
}

/** The finish of a job whose attempt has failed. */
export function failureOf(job: RunningJob, context: JobContext, given: unknown, engine: Engine): Finish {
  const { row, definition } = job
  // Nothing at all can be thrown, too.
  const thrown = given ?? new Error(`${String(given)} was thrown`)
  if (job.abortCause === 'stop') return { state: 'available', isUncounted: true }
  if (job.abortCause === 'cancel')
    return { state: 'cancelled', reason: cancelReasonOf(job.abortReason), error: thrown }
  if (thrown instanceof CrashError) return crashOf(job, thrown, engine)
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
  const delay = waitAfter(definition, row.attempt, engine)
  return { state: 'retryable', scheduledAt: timeAfter(now, delay), reason: message, error }
}

/** What was said when it was cancelled, without what the signal makes of it. */
function cancelReasonOf(abortReason: unknown): string {
  const reason = abortReason instanceof StateError ? abortReason.details['reason'] : undefined
  return typeof reason === 'string' ? reason : describeError(abortReason).message
}

/** What becomes of a job whose process or thread died under it: the first time it runs again at once, then after its usual wait. */
export function endOfCrash(
  job: CrashedJob,
  definition: AnyJobDefinition | undefined,
  how: string,
  engine: Engine,
): Finish {
  const crashes = job.crashes + 1
  if (definition?.onCrash === 'discard') return { state: 'discarded', reason: how }
  if (crashes >= (definition?.maxCrashes ?? 3))
    return {
      state: 'discarded',
      reason: `quarantined: its process died ${crashes} times; the last time: ${how}`,
    }
  if (job.attempt >= job.max_attempts) return { state: 'discarded', reason: how }
  if (crashes === 1) return { state: 'available', reason: how }
  const delay = definition === undefined ? 0 : waitAfter(definition, crashes - 1, engine)
  return { state: 'retryable', scheduledAt: timeAfter(engine.clock.now(), delay), reason: how }
}

/** How long a job waits after so many attempts: as usual where its back-off throws, or gives no number. */
function waitAfter(definition: AnyJobDefinition, attempt: number, { logger }: Engine): number {
  try {
    const delay = definition.backoff(attempt)
    if (Number.isFinite(delay)) return delay
    logger.error({ job: definition.name, backoff: String(delay) }, 'backoff of a job gave no number')
  } catch (error) {
    logger.error({ job: definition.name, error: describeError(error).message }, 'backoff of a job failed')
  }
  return usualBackoff(attempt)
}

/** What of a job decides about its fate after a crash. */
interface CrashedJob {
  readonly crashes: number
  readonly attempt: number
  readonly max_attempts: number
}

function crashOf({ row, definition }: RunningJob, error: CrashError, engine: Engine): Finish {
  engine.logger.warn(
    { job: row.name, jobId: row.id, error: error.message },
    'a job ended its thread or process',
  )
  return { ...endOfCrash(row, definition, error.message, engine), isCrash: true, error }
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
