import type { Database } from '../../database/index.ts'
import { parseJson, toDate, toJobInfo, type JobInfo, type ListedRow } from './job-info.ts'
import {
  selectBatch,
  selectErrors,
  selectJob,
  selectLogs,
  selectNeededBy,
  selectNeeds,
  selectSteps,
} from './sql.ts'

/** The newest lines of a job's log that are shown. */
const mostLines = 1_000

/** Everything about a job. */
export interface JobDetails extends JobInfo {
  /** As it was enqueued, not brought up to the present version; a text where it is not JSON. */
  payload: unknown
  /** Version of the payload's shape. */
  version: number
  /** What it has returned. */
  result: unknown
  /** What it said last about how far it has come. */
  progress: unknown
  /** How often it was begun, also where the attempt does not count. */
  claims: number
  /** How often its process died under it. */
  crashes: number
  /** Name of the worker that has run it last: `machine:pid`. */
  worker: string | undefined
  /** Why it was asked to end. */
  cancelReason: string | undefined
  uniqueKey: string | undefined
  limitKey: string | undefined
  rateKey: string | undefined
  fairKey: string | undefined
  /** Context of the trace in which it was enqueued. */
  trace: string | undefined
  /** The attempts that have failed, the first one first. */
  errors: JobError[]
  /** The lines of its log, the oldest first; the last 1,000. */
  logs: { at: Date; text: string }[]
  steps: JobStep[]
  /** The jobs that it needs, and those that need it. */
  needs: RelatedJob[]
  neededBy: RelatedJob[]
  /** The batch that it belongs to. */
  membership: JobBatch | undefined
}

/** An attempt that has failed. */
export interface JobError {
  attempt: number
  startedAt: Date
  /** In milliseconds. */
  duration: number
  worker: string | undefined
  error: string
  stack: string | undefined
}

/** A durable step, sleep, wait or cursor. */
export interface JobStep {
  name: string
  kind: string
  state: string
  /** How often it was begun. */
  tries: number
  startedAt: Date
  finishedAt: Date | undefined
  /** When it wakes up. */
  wakeAt: Date | undefined
  /** The event that it waits for, or has waited for. */
  event: string | undefined
  error: string | undefined
  /** What it has returned; of a cursor where it stands. */
  result: unknown
}

/** A job or batch that a job is joined with; without a name and a state where it was deleted. */
export interface RelatedJob {
  kind: 'job' | 'batch'
  id: number
  name: string | undefined
  state: string | undefined
  /** What has become of the need: `waiting`, `met`, `failed`, `deleted`. */
  need: string
}

/** The batch of a job, with how many of its jobs are in which state. */
export interface JobBatch {
  id: number
  name: string | undefined
  state: string
  total: number
  pending: number
  completed: number
  discarded: number
  cancelled: number
  cancelReason: string | undefined
}

interface DetailsRow extends ListedRow {
  version: number
  claims: number
  crashes: number
  limit_key: string | null
  rate_key: string | null
  fair_key: string | null
  unique_key: string | null
  cancel_reason: string | null
  trace: string | null
  payload: string
  result: string | null
  progress: string | null
  worker: string | null
}

/** Reads everything about a job, over one state of the database. */
export function readDetails(database: Database, id: number): JobDetails | undefined {
  return database.read((tx) => {
    const row = tx.get<DetailsRow>(selectJob, [id])
    if (row === undefined) return undefined
    const { batch_id: batch } = row
    return {
      ...toJobInfo(row),
      payload: parseJson(row.payload),
      version: row.version,
      result: parseJson(row.result),
      progress: parseJson(row.progress),
      claims: row.claims,
      crashes: row.crashes,
      worker: row.worker ?? undefined,
      cancelReason: row.cancel_reason ?? undefined,
      uniqueKey: row.unique_key ?? undefined,
      limitKey: row.limit_key ?? undefined,
      rateKey: row.rate_key ?? undefined,
      fairKey: row.fair_key ?? undefined,
      trace: row.trace ?? undefined,
      errors: tx.all<ErrorRow>(selectErrors, [id]).map(toError),
      logs: tx
        .all<{ at: number; text: string }>(selectLogs, [id, mostLines])
        .toReversed()
        .map(({ at, text }) => ({ at: new Date(at), text })),
      steps: tx.all<StepRow>(selectSteps, [id]).map(toStep),
      needs: tx.all<RelatedRow>(selectNeeds, [id]).map(toRelated),
      neededBy: tx.all<RelatedRow>(selectNeededBy, [id]).map(toRelated),
      membership: batch === null ? undefined : toBatch(tx.get<BatchRow>(selectBatch, [batch])),
    }
  })
}

interface ErrorRow {
  attempt: number
  started_at: number
  duration: number
  worker: string | null
  error: string
  stack: string | null
}

function toError(row: ErrorRow): JobError {
  const { attempt, duration, error } = row
  const startedAt = new Date(row.started_at)
  return {
    attempt,
    startedAt,
    duration,
    worker: row.worker ?? undefined,
    error,
    stack: row.stack ?? undefined,
  }
}

interface StepRow {
  name: string
  kind: string
  state: string
  tries: number
  started_at: number
  finished_at: number | null
  wake_at: number | null
  event: string | null
  error: string | null
  result: string | null
}

function toStep({ started_at, finished_at, wake_at, event, error, result, ...row }: StepRow): JobStep {
  return {
    ...row,
    startedAt: new Date(started_at),
    finishedAt: toDate(finished_at),
    wakeAt: toDate(wake_at),
    event: event ?? undefined,
    error: error ?? undefined,
    result: parseJson(result),
  }
}

interface RelatedRow {
  kind: 'job' | 'batch'
  id: number
  need: string
  name: string | null
  state: string | null
}

function toRelated({ name, state, ...row }: RelatedRow): RelatedJob {
  return { ...row, name: name ?? undefined, state: state ?? undefined }
}

type BatchRow = Omit<JobBatch, 'name' | 'cancelReason'> & {
  name: string | null
  cancel_reason: string | null
}

function toBatch(row: BatchRow | undefined): JobBatch | undefined {
  if (row === undefined) return undefined
  const { name, cancel_reason: reason, ...counts } = row
  return { ...counts, name: name ?? undefined, cancelReason: reason ?? undefined }
}
