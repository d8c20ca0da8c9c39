import { AsyncLocalStorage } from 'node:async_hooks'
import { HandcarError, option, parseDuration, readOptions, type Duration } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { encode } from '../definition/payload.ts'
import { Outcome } from '../perform/outcome.ts'
import { readTime } from '../time.ts'
import { Cursor } from './cursor.ts'
import { InFlight, type Parked } from './in-flight.ts'
import { runFunction, type StepScope } from './run-function.ts'
import { misuse, stepFailed, storedErrorOf, wentOn } from './step-errors.ts'
import { readStepOptions, type StepOptions } from './step-options.ts'
import type { Over, StepStore, WriteTarget } from './step-store.ts'
import { Suspension } from './suspension.ts'

/** What an attempt has come to, whatever perform says. */
interface Ending {
  readonly thrown: unknown
}

/** How perform has ended. */
export type Settled = { readonly value: unknown } | { readonly thrown: unknown }

/** Which step the current code belongs to. */
const inside = new AsyncLocalStorage<{ steps: Steps; name: string; isOpen: boolean }>()

/** What an attempt knows about its job. */
export interface Attempt {
  /** For messages: `job "mail"`. */
  readonly name: string
  readonly signal: AbortSignal
  readonly maxPayload: number
  /** Whether the code runs in a transaction. */
  readonly isInTransaction: boolean
}

/**
 * The steps of one attempt:
 *
 *     step ─► remembered? ─► its result
 *               └─► beginning and key on disk ─► function ─► result on disk ─► its result
 *     sleep, wait ─► over? ─► go on
 *               └─► parked ─► all steps beside it ended ─► suspended: perform is thrown out, and called anew at the wake-up
 *
 * Perform may hide what is thrown at it: what the attempt has come to is remembered here (`#ending`), every further step throws it
 * again, and `conclude` has the last word.
 */
export class Steps {
  readonly #store: StepStore
  readonly #attempt: Attempt
  readonly #names = new Set<string>()
  readonly #inFlight = new InFlight((parked) => this.#suspend(parked))
  #ending: Ending | undefined
  #isConcluded = false

  constructor(store: StepStore, attempt: Attempt) {
    this.#store = store
    this.#attempt = attempt
  }

  step<Result>(
    name: string,
    run: (step: StepScope) => Result,
    options: StepOptions | undefined,
  ): Promise<Awaited<Result>> {
    return this.#take('step', name, async () => {
      if (typeof run !== 'function') throw option.invalidOption(`Step "${name}"`, 'a function', run)
      const { maxAttempts, backoff, timeout } = readStepOptions(options)
      const answer = await this.#store.begin(name, maxAttempts)
      if (answer.kind !== 'run') return this.#goOn(name, answer)
      const { key, tries } = answer
      const scope = { steps: this, name, isOpen: true }
      let value: unknown
      try {
        value = await inside.run(scope, () =>
          runFunction(name, run, key, tries, this.#attempt.signal, timeout),
        )
        if (value instanceof Outcome) throw value
      } catch (error) {
        if (maxAttempts === undefined || this.#isLeaving(error)) throw error
        return this.#failed(name, tries, maxAttempts, backoff, error)
      } finally {
        scope.isOpen = false
      }
      const result = this.#encodeOnce(name, value)
      await this.#store.finish(name, result)
      return parse(result)
    }) as Promise<Awaited<Result>>
  }

  write<Result>(
    name: string,
    body: (tx: Transaction) => Result,
    target: WriteTarget | undefined,
  ): Promise<Awaited<Result>> {
    return this.#take('write', name, async () => {
      if (typeof body !== 'function') throw option.invalidOption(`Write "${name}"`, 'a function', body)
      return parse(await this.#store.write(name, body, (value) => this.#encode(name, value), target))
    }) as Promise<Awaited<Result>>
  }

  async sleep(name: string, duration: Duration): Promise<void> {
    await this.#take('sleep', name, async () => {
      const milliseconds = parseDuration(duration)
      if (milliseconds === undefined) throw option.invalidOption(`Sleep "${name}"`, 'a duration', duration)
      return this.#goOn(name, await this.#store.sleep(name, { in: milliseconds }))
    })
  }

  async sleepUntil(name: string, time: Date | number): Promise<void> {
    await this.#take('sleep', name, async () => {
      const at = readTime(time, `Sleep "${name}"`)
      if (at === undefined)
        throw option.invalidOption(`Sleep "${name}"`, 'a valid Date, or milliseconds since 1970', time)
      return this.#goOn(name, await this.#store.sleep(name, { at }))
    })
  }

  wait(name: string, options: { event?: string; timeout?: Duration } | undefined): Promise<unknown> {
    return this.#take('wait', name, async () => {
      const { event, timeout } = readOptions('waitForEvent', options, {
        event: option.text(name),
        timeout: option.optional(option.duration(0)),
      })
      return this.#goOn(name, await this.#store.wait(name, event, timeout))
    })
  }

  cursor<Value>(name: string, initial: Value): Promise<Cursor<Value>> {
    return this.#take('cursor', name, async () => {
      const stored = await this.#store.cursor(name)
      const value = stored === undefined ? initial : (JSON.parse(stored) as Value)
      return new Cursor(value, (next, body, target) =>
        this.#track(() => this.#save(name, next, body, target)),
      )
    })
  }

  /**
   * Waits until no step runs any more, so that what they return is kept, and says what the attempt has come to instead of what
   * perform has returned or thrown; `undefined` when that holds.
   */
  async conclude(settled: Settled): Promise<Ending | undefined> {
    await this.#inFlight.close()
    this.#isConcluded = true
    const ending = this.#ending
    if (ending?.thrown instanceof Outcome) return ending
    if ('thrown' in settled)
      return isKept(settled.thrown) ? { thrown: discardFor(settled.thrown) } : undefined
    // Who says what becomes of the job knows of the failure.
    if (ending === undefined || settled.value instanceof Outcome) return undefined
    return this.#attempt.signal.aborted ? undefined : { thrown: wentOn(ending.thrown) }
  }

  /** Begins a step of any kind, each under a name of its own. */
  #take<Result>(kind: string, name: string, work: () => Promise<Result>): Promise<Result> {
    return this.#track(() => {
      this.#assertMayGoOn()
      if (typeof name !== 'string' || name === '')
        throw option.invalidOption(`Name of a ${kind}`, 'a string that is not empty', name)
      const outer = inside.getStore()
      if (outer?.isOpen === true && outer.steps === this && kind !== 'cursor')
        throw misuse(`${kind} "${name}" is taken inside step "${outer.name}"`)
      if (this.#attempt.isInTransaction && kind !== 'cursor')
        throw misuse(`${kind} "${name}" is taken inside a transaction`)
      if (this.#names.has(name))
        throw misuse(
          `${this.#attempt.name} takes a second step "${name}" in one attempt`,
          'Give each its own name; in a loop, such as `mail-${user.id}`.',
        )
      this.#names.add(name)
      return work()
    })
  }

  /** Counts what runs. What it throws ends the attempt, also where perform hides it, or did not wait for it. */
  #track<Result>(work: () => Promise<Result>): Promise<Result> {
    const promise = this.#inFlight.run(async () => {
      try {
        return await work()
      } catch (error) {
        if (!isKept(error)) this.#ending ??= { thrown: error }
        throw error
      }
    })
    promise.catch(() => {})
    return promise
  }

  #assertMayGoOn(): void {
    this.#assertOpen()
    if (this.#attempt.signal.aborted) throw this.#attempt.signal.reason
  }

  #assertOpen(): void {
    if (this.#isConcluded)
      throw misuse(
        `${this.#attempt.name} goes on with steps after its attempt has ended`,
        'Await every step.',
      )
    if (this.#ending !== undefined) throw this.#ending.thrown
  }

  /** What an answer of the store means for perform. */
  async #goOn(name: string, answer: Over): Promise<unknown> {
    switch (answer.kind) {
      case 'done':
        return parse(answer.result)
      case 'failed':
        throw stepFailed(name, answer.tries, answer.error)
      case 'parked':
        return this.#inFlight.park({ name, wakeAt: answer.wakeAt })
      default:
        throw new Suspension(0, [])
    }
  }

  async #failed(
    name: string,
    tries: number,
    maxAttempts: number,
    backoff: ((attempt: number) => number) | undefined,
    error: unknown,
  ): Promise<unknown> {
    const stored = storedErrorOf(error instanceof Outcome ? (error.reason ?? error.kind) : error)
    const wait = error instanceof Outcome ? error.delay : undefined
    const delay = tries >= maxAttempts ? undefined : (wait ?? backoff?.(tries) ?? 'default')
    const wakeAt = await this.#store.fail(name, stored, delay)
    if (wakeAt === undefined) throw stepFailed(name, tries, stored)
    return this.#inFlight.park({ name, wakeAt })
  }

  /** Whether what a step has thrown is about the job and not about the step. */
  #isLeaving(error: unknown): boolean {
    if (error instanceof Outcome) return error.kind !== 'retry'
    return this.#attempt.signal.aborted
  }

  /** What is thrown at steps that are parked. A job that was told to end does not sleep. */
  #suspend(parked: readonly Parked[]): unknown {
    const { signal } = this.#attempt
    if (!signal.aborted) this.#ending ??= { thrown: Suspension.of(parked) }
    return this.#ending?.thrown ?? signal.reason
  }

  async #save(
    name: string,
    value: unknown,
    body: ((tx: Transaction) => unknown) | undefined,
    target: WriteTarget | undefined,
  ): Promise<void> {
    // What was done is kept, also when the job was cancelled meanwhile.
    this.#assertOpen()
    const isInTransaction = this.#attempt.isInTransaction
    const mustLeave = await this.#store.save(name, this.#encode(name, value) ?? 'null', body, target)
    if (isInTransaction) return
    this.#assertMayGoOn()
    if (mustLeave) throw new Suspension(0, [])
  }

  #encode(name: string, value: unknown): string | undefined {
    if (value === undefined) return undefined
    if (value instanceof Outcome) throw value
    return encode(value, `result of step "${name}" of ${this.#attempt.name}`, this.#attempt.maxPayload)
  }

  /** The step was run, so that trying the job again would only run it again: it is given up at once. */
  #encodeOnce(name: string, value: unknown): string | undefined {
    try {
      return this.#encode(name, value)
    } catch (error) {
      this.#ending ??= { thrown: discardFor(error) }
      throw error
    }
  }
}

/** Whether an error is stored with its step, so that perform may catch it and take the same way in every attempt. */
function isKept(error: unknown): boolean {
  return error instanceof HandcarError && error.code === 'HANDCAR_JOB_STEP_FAILED'
}

/** The job is given up for an error that every further attempt would meet again. */
function discardFor(error: unknown): Outcome {
  return new Outcome('discard', undefined, String(error))
}

function parse(result: string | undefined): unknown {
  return result === undefined ? undefined : JSON.parse(result)
}
