import type { Engine } from '../engine.ts'
import { Batch } from './batch.ts'
import { readResults } from './results.ts'
import { selectBatchOfCallback, selectNeeds } from './sql.ts'

/** Something that a job has waited for, and what has become of it. */
export interface NeededJob<Result = unknown> {
  readonly kind: 'job' | 'batch'
  readonly id: number
  /** `completed`, unless the job runs also when what it needs fails. */
  readonly state: 'completed' | 'cancelled' | 'discarded' | 'failed' | 'deleted'
  /** What the job has returned; of a batch, what its completed jobs have. */
  readonly result: Result
  /** Why it has failed. */
  readonly reason: string | undefined
}

interface NeedRow {
  needs: 'job' | 'batch'
  needs_id: number
  name: string | null
  state: NeededJob['state']
  result: string | null
  reason: string | null
}

/** What a job has waited for, by its name in the workflow; by its id where it has none. */
export async function readNeeds(engine: Engine, id: number): Promise<Record<string, NeededJob>> {
  const needs: [name: string | number, need: NeededJob][] = []
  for (const row of engine.database.all<NeedRow>(selectNeeds, [id])) {
    const result: unknown =
      row.needs === 'batch'
        ? await readResults(engine, row.needs_id)
        : row.result === null
          ? undefined
          : JSON.parse(row.result)
    const { needs: kind, needs_id: id, state } = row
    needs.push([row.name ?? id, { kind, id, state, result, reason: row.reason ?? undefined }])
  }
  return Object.fromEntries(needs)
}

/** The batch that a job was called for as a callback, or else the one that it is in. */
export function batchOfJob(
  engine: Engine,
  { id, batch_id: batch }: { readonly id: number; readonly batch_id: number | null },
): Batch | undefined {
  const called = engine.database.get<{ batch_id: number }>(selectBatchOfCallback, [id])?.batch_id ?? batch
  return called === null ? undefined : new Batch(engine, called)
}
