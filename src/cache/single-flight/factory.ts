import type { Duration } from '../../core/index.ts'
import { checkTag } from '../entries/entry-options.ts'
import { readTtl } from '../options.ts'

/** What a factory gets. */
export interface FactoryContext {
  /** Aborted when the value is not waited for any more: at the hard time-out, and when the cache stops. */
  readonly signal: AbortSignal
  /** The value that is not fresh any more, in an object because it may be `undefined`; `undefined` when there is none. */
  readonly stale: { readonly value: unknown } | undefined
  /** Says how long the value is fresh. */
  setTtl(ttl: Duration | null): void
  /** Says what the value is made of, beside the tags of the options. */
  setTags(...tags: string[]): void
  /** The value goes to the callers and is not kept. */
  skip(): void
}

/** Makes a value. */
export type Factory<Value> = (context: FactoryContext) => Value | Promise<Value>

/** What a factory has said of its value, beside the options. */
export interface Chosen {
  ttl: number | null | undefined
  tags: string[]
  isSkipped: boolean
}

/** What a factory is called with. */
export function contextOf(
  signal: AbortSignal,
  stale: { readonly value: unknown } | undefined,
  chosen: Chosen,
): FactoryContext {
  return {
    signal,
    stale,
    setTtl: (ttl) => {
      chosen.ttl = readTtl(ttl, 'setTtl')
    },
    setTags: (...more) => {
      more.forEach(checkTag)
      chosen.tags.push(...more)
    },
    skip: () => {
      chosen.isSkipped = true
    },
  }
}

/** What a factory returns, or the reason of the abort when that comes first. */
export function unlessAborted(signal: AbortSignal, made: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    Promise.resolve(made)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
