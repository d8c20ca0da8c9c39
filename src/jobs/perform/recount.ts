import type { Engine } from '../engine.ts'
import { selectAttempts } from '../sql.ts'
import { describeError } from '../describe-error.ts'
import type { RunningJob } from './running-job.ts'

/** Steps that are done, and cursors that move, begin to count attempts and crashes anew, in the row: reads how many there are. */
export function recount({ row }: RunningJob, { database, logger }: Engine): void {
  try {
    const counted = database.get<{ attempt: number; crashes: number }>(selectAttempts, [row.id, row.claims])
    if (counted === undefined) return
    row.attempt = counted.attempt
    row.crashes = counted.crashes
  } catch (error) {
    logger.warn(
      { jobId: row.id, error: describeError(error).message },
      'the attempts of a job could not be read',
    )
  }
}
