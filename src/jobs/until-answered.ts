import { longestTimer } from '../core/index.ts'
import type { Database } from '../database/index.ts'

/** How long an answer is waited for. */
interface Patience {
  /** In milliseconds; `undefined`: without limit. */
  readonly timeout: number | undefined
  readonly signal?: AbortSignal | undefined
  /** The error of a wait that took too long. */
  readonly late: () => Error
}

/**
 * Asks now, and again after each commit that names one of the topics, until there is an answer.
 *
 * @throws what `late` returns; the signal's reason; what `ask` throws
 */
export async function untilAnswered<Answer>(
  database: Database,
  topics: readonly string[],
  ask: () => Answer | undefined,
  { timeout, signal, late }: Patience,
): Promise<Answer> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const look = (): void => {
    try {
      const answer = ask()
      if (answer !== undefined) resolve(answer)
    } catch (error) {
      reject(error)
    }
  }
  const onAbort = (): void => reject(signal!.reason)
  const unsubscribe = database.onCommit(look, topics)
  signal?.addEventListener('abort', onAbort)
  const timer =
    timeout === undefined ? undefined : setTimeout(() => reject(late()), Math.min(timeout, longestTimer))
  try {
    look()
    return await promise
  } finally {
    unsubscribe()
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
