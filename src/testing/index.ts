export { temporaryCache, type TemporaryCache, type TemporaryCacheOptions } from './cache/temporary-cache.ts'
export { FakeClock } from './fake-clock.ts'
export type { FailedAttempt } from './jobs/attempts.ts'
export { drainJobs, type DrainedJobs, type DrainJobsOptions } from './jobs/drain-jobs.ts'
export { assertEnqueued, refuteEnqueued, type EnqueuedJob, type ExpectedJob } from './jobs/enqueued.ts'
export { inlineJobs } from './jobs/inline-jobs.ts'
export { performOne, type PerformedJob } from './jobs/perform-one.ts'
export { temporaryJobs, type TemporaryJobs, type TemporaryJobsOptions } from './jobs/temporary-jobs.ts'
export type { PartOf } from './part-of.ts'
export {
  assertPublished,
  publishedMessages,
  refutePublished,
  type ExpectedMessage,
  type PublishedMessage,
} from './realtime/published.ts'
export {
  temporaryRealtime,
  type TemporaryRealtime,
  type TemporaryRealtimeOptions,
} from './realtime/temporary-realtime.ts'
export { VirtualClient, type VirtualClientOptions } from './realtime/virtual-client.ts'
export { type ReceivedMessage, VirtualSubscription } from './realtime/virtual-subscription.ts'
export { temporaryDatabase } from './temporary-database.ts'
