export type { Backoff } from './definition/backoff.ts'
export {
  defineJob,
  type AnyJobDefinition,
  type ErrorPolicy,
  JobDefinition,
  type JobOptions,
  type JobWithoutSchema,
  type JobWithSchema,
  type ResultOf,
} from './definition/define-job.ts'
export type { EnqueueOptions } from './enqueue/enqueue-options.ts'
export type { JobContext } from './perform/job-context.ts'
export type { JobHandle, JobState } from './enqueue/job-handle.ts'
export { Jobs } from './jobs.ts'
export type { JobAction } from './operations/action.ts'
export type { DrainOptions } from './operations/drain.ts'
export type { JobEdit } from './operations/edit.ts'
export type { ActOptions } from './operations/end.ts'
export type { JobFilter, JobHold } from './operations/filter.ts'
export type { JobBatch, JobDetails, JobError, JobStep, RelatedJob } from './operations/job-details.ts'
export type { JobInfo } from './operations/job-info.ts'
export type { JobList, JobPreview, ListOptions } from './operations/operations.ts'
export type { RetryOptions } from './operations/retry.ts'
export { resolveJobsOptions, type JobsOptions, type WorkOptions } from './options.ts'
export { cancel, discard, retryAfter, snooze, type Outcome } from './perform/outcome.ts'
export type { RemoteJobContext } from './perform/performer-program.ts'
export type { Queues } from './worker/queue-order.ts'
export type {
  InputOf,
  OutputOf,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from './definition/standard-schema.ts'
export type { UniqueOptions } from './definition/unique.ts'
export type { TraceHook } from './engine.ts'
export type { EnqueueMessage, FinishMessage, RescueMessage, StartMessage, TickMessage } from './events.ts'
export type { Death } from './worker/rescue.ts'
export type { JobsStats, WorkerStats } from './stats.ts'
export {
  defineRecurring,
  RecurringDefinition,
  type Missed,
  type Overlap,
  type RecurringOptions,
  type RecurringSettings,
  type TickOfPayload,
} from './recurring/define-recurring.ts'
export type { RecurringInfo, TickInfo } from './recurring/info.ts'
export type { Recurring, ScheduleOptions } from './recurring/recurring.ts'
