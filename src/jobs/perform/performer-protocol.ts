import type { Failure } from '../../core/index.ts'
import type { Outcome } from './outcome.ts'

/** What a thread or process of jobs is told. */
export type PerformerOrder =
  | {
      type: 'perform'
      file: string
      payload: unknown
      job: { id: number; name: string; attempt: number; maxAttempts: number }
    }
  | { type: 'abort'; reason: Failure }

/** What it tells. */
export type PerformerReport =
  | ({ type: 'done'; value: unknown } & Used)
  | ({ type: 'outcome'; kind: Outcome['kind']; delay: number | undefined; reason: string | undefined } & Used)
  | ({ type: 'failed'; name: string; failure: Failure } & Used)
  | { type: 'progress'; value: unknown }
  | { type: 'log'; text: string }

/** What the process has used by the end of a job. */
interface Used {
  /** Its memory, in bytes. */
  rss: number
}
