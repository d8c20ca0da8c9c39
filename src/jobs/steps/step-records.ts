import { isPromise } from '../../core/index.ts'
import type { SqlParameters, Transaction } from '../../database/index.ts'
import { claimLost } from '../perform/claim-lost.ts'
import { selectClaim } from '../sql.ts'
import { countAttemptsAnew, insertWrite, saveCursor, selectStep } from './sql.ts'
import { otherKind } from './step-errors.ts'

/** A row of `handcar_job_steps`. */
export interface StepRow {
  readonly kind: 'step' | 'write' | 'sleep' | 'wait' | 'cursor'
  readonly state: 'running' | 'retrying' | 'done' | 'failed' | 'sleeping' | 'waiting'
  readonly tries: number
  readonly wake_at: number | null
  readonly key: string | null
  readonly event: string | null
  readonly error: string | null
  readonly result: string | null
}

/** The job that an attempt holds. */
export interface HeldJob {
  readonly id: number
  readonly name: string
  /** The fencing token. */
  readonly claims: number
  readonly attempt: number
  readonly crashes: number
}

/** What is remembered of a step; `undefined` when it was never begun. */
export function readStep(
  reader: { get<Row>(query: string, parameters: SqlParameters): Row | undefined },
  job: HeldJob,
  name: string,
  kind: StepRow['kind'],
): StepRow | undefined {
  const row = reader.get<StepRow>(selectStep, [job.id, name])
  if (row !== undefined && row.kind !== kind) throw otherKind(name, row.kind, kind)
  return row
}

/** Makes sure that the job still belongs to this attempt. */
export function assertHeld(tx: Transaction, job: HeldJob): void {
  if (tx.get(selectClaim, [job.id, job.claims]) === undefined) throw claimLost({ row: job })
}

/** The job has come further: its attempts, and the deaths of its processes, count anew. */
export function noteProgress(tx: Transaction, job: HeldJob): void {
  if (job.attempt > 1 || job.crashes > 0) tx.run(countAttemptsAnew, [job.id])
}

/** Runs a body and writes down, in its transaction, that it was run; one that was run before is not run again. */
export function recordWrite(
  tx: Transaction,
  job: HeldJob,
  name: string,
  body: (tx: Transaction) => unknown,
  encode: (value: unknown) => string | undefined,
  now: number,
): Promise<string | undefined> | string | undefined {
  assertHeld(tx, job)
  const row = readStep(tx, job, name, 'write')
  if (row !== undefined) return row.result ?? undefined
  const conclude = (value: unknown): string | undefined => {
    const result = encode(value)
    tx.run(insertWrite, [job.id, name, now, now, result ?? null])
    noteProgress(tx, job)
    return result
  }
  const returned = body(tx)
  return isPromise(returned) ? returned.then(conclude) : conclude(returned)
}

/**
 * Moves a cursor, in the transaction of what a body writes. One that is saved where it stands is no progress, or a job that kills its
 * process would do so for ever.
 */
export function recordCursor(
  tx: Transaction,
  job: HeldJob,
  name: string,
  value: string,
  body: ((tx: Transaction) => unknown) | undefined,
  now: number,
): Promise<void> | void {
  assertHeld(tx, job)
  const conclude = (): void => {
    if (tx.run(saveCursor, [job.id, name, now, now, value]).changes > 0) noteProgress(tx, job)
  }
  const returned = body?.(tx)
  return isPromise(returned) ? returned.then(conclude) : conclude()
}
