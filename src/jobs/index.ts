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
export { Batch, type BatchProgress, type BatchState } from './batches/batch.ts'
export type { BatchBuilder, MemberOptions, WaitOptions } from './batches/batch-builder.ts'
export type { BatchCallback, BatchOptions } from './batches/batch-options.ts'
export type { BatchGraph, GraphJob, GraphNeed } from './batches/graph.ts'
export type { IfNeedsFail, Member, Need } from './batches/member.ts'
export type { NeededJob } from './batches/needs.ts'
export type { BatchFailure } from './batches/results.ts'
export type { LongestWait } from './longest-wait.ts'
export { engineOf, Jobs } from './jobs.ts'
export type { JobAction } from './operations/action.ts'
export type { DrainOptions } from './operations/drain.ts'
export type { JobEdit } from './operations/edit.ts'
export type { ActOptions } from './operations/end.ts'
export { jobStates, type JobFilter, type JobHold } from './operations/filter.ts'
export type { JobBatch, JobDetails, JobError, JobStep, RelatedJob } from './operations/job-details.ts'
export type { JobInfo } from './operations/job-info.ts'
export type { JobList, JobPreview, ListOptions } from './operations/operations.ts'
export type { PauseTarget } from './operations/pauses.ts'
export type { RetryOptions } from './operations/retry.ts'
export { resolveJobsOptions, type JobsOptions, type WorkOptions } from './options.ts'
export { cancel, discard, Outcome, retryAfter, snooze } from './perform/outcome.ts'
export type { Cursor } from './steps/cursor.ts'
export type { EmitOptions } from './steps/emit.ts'
export type { StepScope } from './steps/run-function.ts'
export type { StepOptions } from './steps/step-options.ts'
export type { RemoteJobContext } from './perform/performer-program.ts'
export type { Queues } from './worker/queue-order.ts'
export { Worker } from './worker/worker.ts'
export type {
  InputOf,
  OutputOf,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from '../core/index.ts'
export type { UniqueOptions } from './definition/unique.ts'
export type { TracedAttempt, TraceHook } from './engine.ts'
export { openTelemetryTrace, type OpenTelemetryApi } from './open-telemetry.ts'
export type {
  EnqueueMessage,
  FinishMessage,
  PruneMessage,
  RescueMessage,
  StartMessage,
  TickMessage,
} from './events.ts'
export type { Death } from './worker/rescue.ts'
export type { JobsStats, WorkerStats } from './stats.ts'
export { defineRecurring, RecurringDefinition, type RecurringOptions } from './recurring/define-recurring.ts'
export type { Missed, Overlap, RecurringSettings, TickOfPayload } from './recurring/recurring-settings.ts'
export type { RecurringInfo, TickInfo } from './recurring/info.ts'
export type { Recurring, ScheduleOptions } from './recurring/recurring.ts'
export type { KeepOptions, RetentionOptions } from './retention/retention-options.ts'
