import type { Database, Transaction } from '../../database/index.ts'

/** What a step has failed with for good, as it is stored. */
export interface StoredError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
}

/** What becomes of a step that perform has come to. */
export type Answer = Over | { readonly kind: 'run'; readonly key: string; readonly tries: number }

/** What becomes of a step that is not to be run now, of a sleep, or of a wait. */
export type Over =
  /** It was done before; its result as JSON, `undefined` where it has none. */
  | { readonly kind: 'done'; readonly result: string | undefined }
  /** It has failed for good. */
  | { readonly kind: 'failed'; readonly tries: number; readonly error: StoredError }
  /** The job has to sleep: until this time, or until it is woken. */
  | { readonly kind: 'parked'; readonly wakeAt: number | undefined }
  /** The process stops: the job goes on in another one. */
  | { readonly kind: 'leave' }

/** A database to write in, for those that have none of their own. */
export interface WriteTarget {
  database?: Database
}

/** Where the steps of one job are remembered: the database, or the process that has it. */
export interface StepStore {
  /** Writes down that a step begins, unless it is done. `mostTries`: how often it may be begun. */
  begin(name: string, mostTries: number | undefined): Promise<Answer>
  finish(name: string, result: string | undefined): Promise<void>
  /** Writes down that a step is tried again after `delay`, or has failed for good; returns when it is tried again. */
  fail(name: string, error: StoredError, delay: number | 'default' | undefined): Promise<number | undefined>
  /** Runs a body in a transaction together with the record of it, unless it is done. Returns what it returned as JSON. */
  write(
    name: string,
    body: (tx: Transaction) => unknown,
    encode: (value: unknown) => string | undefined,
    target: WriteTarget | undefined,
  ): Promise<string | undefined>
  sleep(name: string, time: { readonly in: number } | { readonly at: number }): Promise<Over>
  wait(name: string, event: string, timeout: number | undefined): Promise<Over>
  /** Where a cursor stands, as JSON. */
  cursor(name: string): Promise<string | undefined>
  /** Moves a cursor, together with what a body writes. Returns whether the process stops. */
  save(
    name: string,
    value: string,
    body: ((tx: Transaction) => unknown) | undefined,
    target: WriteTarget | undefined,
  ): Promise<boolean>
}
