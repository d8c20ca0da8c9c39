import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { engineOf, type FinishMessage, type Jobs } from '../../jobs/index.ts'

/** An attempt that has failed, with what it has thrown. */
export interface FailedAttempt {
  id: number
  name: string
  /** Counts from 1. */
  attempt: number
  error: unknown
}

/** Records the attempts of jobs that end in this process, until it is disposed of. */
export class Attempts implements Disposable {
  completed = 0
  readonly failures: FailedAttempt[] = []
  readonly #definitions: ReadonlyMap<string, unknown>
  readonly #listener = (message: unknown): void => this.#record(message as FinishMessage)

  constructor(jobs: Jobs) {
    this.#definitions = engineOf(jobs).definitions
    subscribe('handcar.jobs.finish', this.#listener)
  }

  #record({ id, name, attempt, state, error }: FinishMessage): void {
    if (!this.#definitions.has(name)) return
    if (state === 'completed') this.completed++
    else if (error !== undefined) this.failures.push({ id, name, attempt, error })
  }

  [Symbol.dispose](): void {
    unsubscribe('handcar.jobs.finish', this.#listener)
  }
}
