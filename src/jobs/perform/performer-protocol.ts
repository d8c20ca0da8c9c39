import type { Failure } from '../../core/index.ts'
import type { NeededJob } from '../batches/needs.ts'
import type { StepAnswer, StepCall } from '../steps/remote-steps.ts'
import type { Outcome } from './outcome.ts'

/** What a thread or process knows about the job that it performs. */
export interface RemoteJob {
  id: number
  name: string
  attempt: number
  maxAttempts: number
  claims: number
  crashes: number
  maxPayload: number
  needs: Readonly<Record<string, NeededJob>>
}

/** What a thread or process of jobs is told. */
export type PerformerOrder =
  | {
      type: 'perform'
      file: string
      payload: unknown
      job: RemoteJob
    }
  | StepAnswer
  | { type: 'abort'; reason: Failure }

/** What it tells. */
export type PerformerReport =
  | ({ type: 'done'; value: unknown } & Used)
  | ({ type: 'outcome'; kind: Outcome['kind']; delay: number | undefined; reason: string | undefined } & Used)
  | ({ type: 'failed'; name: string; failure: Failure } & Used)
  | ({ type: 'suspended'; wakeAt: number | undefined; names: readonly string[] } & Used)
  | StepCall
  | { type: 'progress'; value: unknown }
  | { type: 'log'; text: string }

/** What the process has used by the end of a job. */
interface Used {
  /** Its memory, in bytes. */
  rss: number
}
