import { option, restoreFailure, type Failure } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import { recordCursor, recordWrite, type HeldJob } from './step-records.ts'
import type { Answer, Over, StepStore, StoredError, WriteTarget } from './step-store.ts'
import type { StoredSteps } from './stored-steps.ts'

/** What a thread or process asks of the one that has the database. */
export interface StepCall {
  readonly type: 'call'
  readonly call: number
  readonly method: Exclude<keyof StoredSteps, 'write'>
  readonly parameters: readonly unknown[]
}

/** What it is told. */
export interface StepAnswer {
  readonly type: 'answer'
  readonly call: number
  readonly value?: unknown
  readonly failure?: Failure
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

let calls = 0

/**
 * The steps of a job that runs in a thread or a process: the process that has the database writes them down. Only what commits together
 * with rows is written here, through a database that the job brings.
 */
export class RemoteSteps implements StepStore {
  readonly #job: HeldJob
  readonly #send: (message: StepCall) => void
  readonly #waiting = new Map<number, Waiting>()

  constructor(job: HeldJob, send: (message: StepCall) => void) {
    this.#job = job
    this.#send = send
  }

  /** Takes an answer. */
  take({ call, value, failure }: StepAnswer): void {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    if (failure === undefined) waiting?.resolve(value)
    else waiting?.reject(restoreFailure(failure, 'HANDCAR_JOB_STEP'))
  }

  begin(name: string, mostTries: number | undefined): Promise<Answer> {
    return this.#call('begin', name, mostTries)
  }

  finish(name: string, result: string | undefined): Promise<void> {
    return this.#call('finish', name, result)
  }

  fail(name: string, error: StoredError, delay: number | 'default' | undefined): Promise<number | undefined> {
    return this.#call('fail', name, error, delay)
  }

  async write(
    name: string,
    body: (tx: Transaction) => unknown,
    encode: (value: unknown) => string | undefined,
    target: WriteTarget | undefined,
  ): Promise<string | undefined> {
    return databaseOf(target, `Write "${name}"`).write((tx) =>
      recordWrite(tx, this.#job, name, body, encode, Date.now()),
    )
  }

  sleep(name: string, time: { readonly in: number } | { readonly at: number }): Promise<Over> {
    return this.#call('sleep', name, time)
  }

  wait(name: string, event: string, timeout: number | undefined): Promise<Over> {
    return this.#call('wait', name, event, timeout)
  }

  cursor(name: string): Promise<string | undefined> {
    return this.#call('cursor', name)
  }

  async save(
    name: string,
    value: string,
    body: ((tx: Transaction) => unknown) | undefined,
    target: WriteTarget | undefined,
  ): Promise<boolean> {
    if (body === undefined) return this.#call('save', name, value)
    await databaseOf(target, `Cursor "${name}"`).write((tx) =>
      recordCursor(tx, this.#job, name, value, body, Date.now()),
    )
    return this.#call('mustLeave')
  }

  #call<Value>(method: StepCall['method'], ...parameters: unknown[]): Promise<Value> {
    const call = ++calls
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(call, { resolve, reject })
    this.#send({ type: 'call', call, method, parameters })
    return promise as Promise<Value>
  }
}

function databaseOf(target: WriteTarget | undefined, owner: string): Database {
  if (target?.database !== undefined) return target.database
  throw option.invalidOption(`${owner} in a thread or process`, 'a started Database, as { database }', target)
}
