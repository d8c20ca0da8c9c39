import { duration, readOptions } from './options.ts'
import type { Duration } from './duration.ts'

/** Where a part is in its life. */
export type ServiceState = 'stopped' | 'starting' | 'started' | 'stopping'

/** Options of `stop()`. */
export interface StopOptions {
  /** How long running work may take to finish before it is aborted. Default: the part's `stopTimeout`. */
  timeout?: Duration
}

/**
 * The one life of every part. A subclass says how to `open` and how to `close`; this class keeps the promises:
 *
 * - constructing opens nothing;
 * - `start()` and `stop()` may be called at any time, by any number of callers: callers of the same direction share
 *   one run, and a call in the other direction waits for the running one to end;
 * - when `open` fails, the subclass has put away what it had opened, the error reaches every caller, and `start()` may
 *   be tried again;
 * - `stop()` never fails because the part was not started.
 */
export abstract class Service {
  #state: ServiceState = 'stopped'
  #transition: Promise<void> | undefined
  readonly #stopTimeout: number

  /** @param stopTimeout Default time limit of `stop()`, in milliseconds. */
  constructor(stopTimeout: number) {
    this.#stopTimeout = stopTimeout
  }

  /** Where the part is in its life. */
  get state(): ServiceState {
    return this.#state
  }

  /** Opens files, runs migrations and starts loops. Idempotent; may be retried after a failure. */
  async start(): Promise<void> {
    while (this.#state === 'stopping') await this.#transition?.catch(() => {})
    if (this.#state === 'stopped') this.#transition = this.#run('starting', () => this.open(), 'started')
    await this.#transition
  }

  /**
   * Takes no more work, lets running work finish within the time limit, aborts the rest and closes everything.
   * Idempotent.
   */
  async stop(options?: StopOptions): Promise<void> {
    const { timeout } = readOptions('stop', options, { timeout: duration(this.#stopTimeout) })
    while (this.#state === 'starting') await this.#transition?.catch(() => {})
    if (this.#state === 'started')
      this.#transition = this.#run('stopping', () => this.close(timeout), 'stopped')
    if (this.#state === 'stopping') await this.#transition
  }

  /** `await using part = new Part(…)` stops it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Opens everything; on failure puts away what was opened and throws. */
  protected abstract open(): Promise<void>

  /** Finishes or aborts running work within `timeout` milliseconds and closes everything. Must not throw for work that failed. */
  protected abstract close(timeout: number): Promise<void>

  async #run(during: ServiceState, work: () => Promise<void>, after: ServiceState): Promise<void> {
    this.#state = during
    try {
      await work()
      this.#state = after
    } catch (error) {
      this.#state = 'stopped'
      throw error
    }
  }
}
