import { setTimeout as sleep } from 'node:timers/promises'
import { option, OptionsError, StateError, type Duration } from '../../core/index.ts'
import { engineOf, type Jobs } from '../../jobs/index.ts'
import { FakeClock } from '../fake-clock.ts'
import { Attempts, type FailedAttempt } from './attempts.ts'
import { selectNextTimes } from './sql.ts'

/** Options of {@link drainJobs}. */
export interface DrainJobsOptions {
  /**
   * Whether jobs are performed too that wait for a time: retries, jobs that were scheduled or sleep. The clock of the jobs, which must be a
   * `FakeClock`, is moved on from one to the next; recurring jobs tick on the way. `true`: until none waits any more; a
   * duration: those that are due within it, and recurring jobs. Default: `false`.
   */
  withScheduled?: boolean | Duration
  /** How long it may take until nothing runs any more, each time. Default: `'30s'`. */
  timeout?: Duration
}

/** What a drain has come to. */
export interface DrainedJobs {
  /** How many jobs were completed. */
  completed: number
  /** The attempts that have failed, in their order. */
  failures: FailedAttempt[]
}

/** So many steps of the clock are taken for a loop that has no end. */
const mostSteps = 100_000

/**
 * Performs every job that can be performed, also those that these enqueue, until none is left. For jobs that may perform but do not
 * yet: `work: { begin: 'later' }`, or `new Handcar(config, { role: 'web' })`; or that do already.
 *
 * @throws TimeoutError `HANDCAR_JOB_TIMEOUT`; OptionsError, StateError `HANDCAR_OPTION_INVALID`
 */
export async function drainJobs(
  jobs: Jobs,
  { withScheduled = false, timeout = '30s' }: DrainJobsOptions = {},
): Promise<DrainedJobs> {
  if (jobs.here === undefined) {
    throw new StateError('HANDCAR_OPTION_INVALID', 'drainJobs expects jobs that may perform', {
      fix: "Make them with work: { begin: 'later' }, or Handcar with role: 'web'.",
    })
  }
  using attempts = new Attempts(jobs)
  const wasWorking = jobs.isWorking
  await jobs.work()
  try {
    await jobs.drain(undefined, { timeout })
    if (withScheduled !== false) await performScheduled(jobs, withScheduled, timeout)
  } finally {
    if (!wasWorking) await jobs.rest({ timeout: 1_000 })
  }
  const { completed, failures } = attempts
  return { completed, failures }
}

/** Moves the clock from one due time to the next, and performs what is due then. */
async function performScheduled(jobs: Jobs, reach: true | Duration, timeout: Duration): Promise<void> {
  const { clock, database, definitions } = engineOf(jobs)
  if (!(clock instanceof FakeClock))
    throw new OptionsError('HANDCAR_OPTION_INVALID', 'withScheduled expects jobs with clock: new FakeClock()')
  const end =
    reach === true ? Infinity : clock.now() + option.duration(0)(reach, 'drainJobs option "withScheduled"')
  const known = JSON.stringify([...definitions.keys()])
  const times = () => database.get<{ job: number | null; tick: number | null }>(selectNextTimes, [known])!
  for (let step = 0; step < mostSteps; step++) {
    const { job, tick } = times()
    const next = Math.min(job ?? Infinity, tick ?? Infinity)
    if (next > end || (reach === true && job === null)) {
      if (end !== Infinity) clock.set(end)
      return
    }
    clock.set(Math.max(next, clock.now()))
    while ((times().tick ?? Infinity) <= clock.now()) await sleep(1)
    await jobs.drain(undefined, { timeout })
  }
  throw new StateError('HANDCAR_JOB_TIMEOUT', `Jobs were still waiting after ${mostSteps} moves of the clock`)
}
