import { option, readOptions, type Duration } from '../../core/index.ts'
import { readBackoff, type Backoff } from '../definition/backoff.ts'

/** Options of `job.step`. */
export interface StepOptions {
  /**
   * How often the step is begun; a death of the process counts. Then its failure is kept like a result, and thrown by every later
   * attempt too, so that `perform` may catch it: 1 means at most once. Default: an error of the step is an error of the attempt, and
   * the step is run again with it.
   */
  maxAttempts?: number
  /** How long the job sleeps between the tries. Default: as between the attempts of the job. */
  backoff?: Backoff
  /** After how long a try is aborted and counts as failed. Default: never. */
  timeout?: Duration
}

/** Reads {@link StepOptions}. */
export function readStepOptions(options: StepOptions | undefined) {
  return readOptions('job.step', options, {
    maxAttempts: option.optional(option.integer(1, { min: 1, max: 1_000_000 })),
    backoff: option.optional(readBackoff),
    timeout: option.optional(option.duration(0)),
  })
}
