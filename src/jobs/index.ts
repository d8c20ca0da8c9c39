export type { Backoff } from './backoff.ts'
export {
  defineJob,
  type AnyJobDefinition,
  type ErrorPolicy,
  type JobDefinition,
  type JobOptions,
  type JobWithoutSchema,
  type JobWithSchema,
  type ResultOf,
} from './define-job.ts'
export type { EnqueueOptions } from './enqueuer.ts'
export type { JobContext } from './job-context.ts'
export type { JobHandle, JobState } from './job-handle.ts'
export { Jobs } from './jobs.ts'
export type { JobsOptions, WorkOptions } from './options.ts'
export { cancel, discard, retryAfter, snooze, type Outcome } from './outcome.ts'
export type { RemoteJobContext } from './performer-program.ts'
export type { Queues } from './queue-order.ts'
export type {
  InputOf,
  OutputOf,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from './standard-schema.ts'
export type { UniqueOptions } from './unique.ts'
export type { TraceHook } from './engine.ts'
export type { EnqueueMessage, FinishMessage, RescueMessage, StartMessage } from './events.ts'
export type { Death } from './rescue.ts'
export type { JobsStats, WorkerStats } from './stats.ts'
