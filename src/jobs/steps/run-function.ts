import { longestTimer, TimeoutError } from '../../core/index.ts'

/** What the function of a step gets. */
export interface StepScope {
  /**
   * The idempotency key: the same in every try of this step, never the same for another one, and on disk before the function is
   * called. For the `Idempotency-Key` of whoever is called.
   */
  readonly key: string
  /** 1 at the first try. */
  readonly attempt: number
  /** Aborted with the job's signal, and when the step's own time is over. */
  readonly signal: AbortSignal
}

/** Calls the function of a step, and does not wait for it longer than its time. */
export async function runFunction(
  name: string,
  run: (step: StepScope) => unknown,
  key: string,
  attempt: number,
  signal: AbortSignal,
  timeout: number | undefined,
): Promise<unknown> {
  if (timeout === undefined) return run({ key, attempt, signal })
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => {
      const reason = new TimeoutError(
        'HANDCAR_JOB_TIMEOUT',
        `Step "${name}" was not done after ${timeout} ms`,
      )
      controller.abort(reason)
      reject(reason)
    },
    Math.min(timeout, longestTimer),
  )
  try {
    return await Promise.race([
      run({ key, attempt, signal: AbortSignal.any([signal, controller.signal]) }),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}
