import { defineEvent, type Event } from '../core/index.ts'
import type { JobState } from './enqueue/job-handle.ts'

/** A job was enqueued, in a transaction that may still be rolled back. */
export interface EnqueueMessage {
  id: number
  name: string
  queue: string
}

/** An attempt begins. */
export interface StartMessage {
  id: number
  name: string
  queue: string
  attempt: number
}

/** An attempt has ended. */
export interface FinishMessage {
  id: number
  name: string
  queue: string
  attempt: number
  /** Where the job goes: `completed`, `retryable`, … */
  state: JobState
  /** How long it ran, in milliseconds. */
  duration: number
  /** What it failed with; `undefined` when it did not. */
  error: unknown
}

/** The jobs of a worker that has died were given back. */
export interface RescueMessage {
  /** Name of the worker: `machine:pid`. */
  worker: string
  /** How many jobs it had. */
  jobs: number
}

/** A recurring job has ticked, in a transaction that may still fail. */
export interface TickMessage {
  /** Name of the recurring job. */
  name: string
  /** The time that the tick stands for, in milliseconds since 1970. */
  at: number
  /** The job that it made. */
  job: number | null
  /** Why it made none: `overlap`, or an error. */
  reason: string | null
}

/** Rows that nobody needs any more were deleted. */
export interface PruneMessage {
  /** Jobs that had ended. */
  jobs: number
  batches: number
  /** Ticks of recurring jobs. */
  ticks: number
  /** Bytes that the file gets shorter by. */
  bytes: number
}

/** `handcar.jobs.enqueue` */
export const enqueueEvent: Event<EnqueueMessage> = defineEvent('handcar.jobs.enqueue')
/** `handcar.jobs.start` */
export const startEvent: Event<StartMessage> = defineEvent('handcar.jobs.start')
/** `handcar.jobs.finish` */
export const finishEvent: Event<FinishMessage> = defineEvent('handcar.jobs.finish')
/** `handcar.jobs.rescue` */
export const rescueEvent: Event<RescueMessage> = defineEvent('handcar.jobs.rescue')
/** `handcar.jobs.tick` */
export const tickEvent: Event<TickMessage> = defineEvent('handcar.jobs.tick')
/** `handcar.jobs.prune` */
export const pruneEvent: Event<PruneMessage> = defineEvent('handcar.jobs.prune')
