import type { Database } from '../../database/index.ts'
import type { JobState } from '../enqueue/job-handle.ts'
import type { BatchState } from './batch.ts'
import { selectGraphBatches, selectGraphJobs, selectGraphNeeds } from './sql.ts'

/** One thing that a job waits or has waited for. */
export interface GraphNeed {
  kind: 'job' | 'batch'
  id: number
  /** Whether it is still waited for, is there, or has failed. */
  state: 'waiting' | 'met' | 'failed'
}

/** A job of a batch. */
export interface GraphJob {
  id: number
  /** Its name in the workflow. */
  name: string | undefined
  /** Name of its definition. */
  job: string
  state: JobState
  needs: GraphNeed[]
}

/** A batch with its jobs, and those nested in it. */
export interface BatchGraph {
  jobs: GraphJob[]
  batches: { id: number; name: string | undefined; state: BatchState; graph: BatchGraph }[]
}

/** Reads what is in a batch and what waits for what. */
export function readGraph(database: Database, batch: number): BatchGraph {
  return database.read((tx) => graphOf(tx, batch))
}

function graphOf(tx: Pick<Database, 'all'>, batch: number): BatchGraph {
  const jobs = tx.all<{ id: number; name: string | null; job: string; state: JobState }>(selectGraphJobs, [
    batch,
  ])
  const needs = Map.groupBy(
    tx.all<{ job_id: number; needs: 'job' | 'batch'; needs_id: number; state: GraphNeed['state'] }>(
      selectGraphNeeds,
      [JSON.stringify(jobs.map(({ id }) => id))],
    ),
    (need) => need.job_id,
  )
  return {
    jobs: jobs.map(({ id, name, job, state }) => ({
      id,
      name: name ?? undefined,
      job,
      state,
      needs: (needs.get(id) ?? []).map((need) => ({
        kind: need.needs,
        id: need.needs_id,
        state: need.state,
      })),
    })),
    batches: tx
      .all<{ id: number; name: string | null; state: BatchState }>(selectGraphBatches, [batch])
      .map(({ id, name, state }) => ({ id, name: name ?? undefined, state, graph: graphOf(tx, id) })),
  }
}
