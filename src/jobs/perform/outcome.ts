import { option, parseDuration, type Duration } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { describeError } from '../describe-error.ts'

/**
 * What a job may return instead of a result, to say what becomes of it. Made by {@link snooze}, {@link discard} and
 * {@link cancel}; one that is thrown counts as well.
 */
export class Outcome {
  /** What becomes of the job. */
  readonly kind: 'snooze' | 'discard' | 'cancel' | 'retry' | 'suspend'
  /** When it runs again, as milliseconds from now; `undefined` where that is not for the outcome to say. */
  readonly delay: number | undefined
  /** Why. */
  readonly reason: string | undefined
  /** @internal Asked in the transaction that suspends the job: whether what it waits for is there already. */
  readonly isReady: ((tx: Transaction) => boolean) | undefined

  /** @internal */
  constructor(
    kind: Outcome['kind'],
    delay: number | undefined,
    reason: string | undefined,
    isReady?: (tx: Transaction) => boolean,
  ) {
    this.kind = kind
    this.delay = delay
    // An error may have been given, too.
    this.reason = reason === undefined ? undefined : describeError(reason).message
    this.isReady = isReady
  }
}

/** The job runs again after some time; this attempt does not count. */
export function snooze(delay: Duration, reason?: string): Outcome {
  return new Outcome('snooze', milliseconds('snooze', delay), reason)
}

/** The job is given up: it cannot succeed. */
export function discard(reason: string): Outcome {
  return new Outcome('discard', undefined, reason)
}

/** The job is not needed any more. */
export function cancel(reason: string): Outcome {
  return new Outcome('cancel', undefined, reason)
}

/** The attempt has failed and the job is tried again after some time, such as the one that a `Retry-After` header names. */
export function retryAfter(delay: Duration, reason?: string): Outcome {
  return new Outcome('retry', milliseconds('retryAfter', delay), reason)
}

/**
 * @internal The job sleeps until it is woken, or for `delay` milliseconds; this attempt does not count. For durable sleeps,
 * which have written down what they wait for. When `isReady` says, in the transaction that suspends it, that what it waits for has
 * come meanwhile, it runs again at once.
 */
export function suspend(delay: number | undefined, isReady?: (tx: Transaction) => boolean): Outcome {
  return new Outcome('suspend', delay, undefined, isReady)
}

function milliseconds(name: string, delay: Duration): number {
  const parsed = parseDuration(delay)
  if (parsed === undefined) throw option.invalidOption(`${name}()`, 'a duration', delay)
  return Math.ceil(parsed)
}
