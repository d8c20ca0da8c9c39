import type { Clock, Logger } from '../core/index.ts'
import type { Database, Transaction } from '../database/index.ts'
import type { Definitions } from './definition/definitions.ts'
import type { Enqueuer } from './enqueue/enqueuer.ts'
import type { Jobs } from './jobs.ts'
import type { QueueLimits } from './worker/queue-limits.ts'

/** The topic that every write names that makes a job runnable, or schedules one. */
export const jobsTopic = 'handcar.jobs'
/** The topic that a write names when somebody may wait for the end of a job. */
export const finishedTopic = 'handcar.jobs.finished'
/** The topic that a write names which asks running jobs to end. */
export const cancelTopic = 'handcar.jobs.cancel'
/** The topic that a write names which changes when recurring jobs tick. */
export const recurringTopic = 'handcar.jobs.recurring'

/** A job that has ended for good: it was completed, cancelled or discarded. */
export interface EndedJob {
  readonly id: number
  readonly name: string
  readonly state: 'completed' | 'cancelled' | 'discarded'
  readonly batchId: number | null
}

/** Called inside the transaction in which jobs end. */
export type EndListener = (tx: Transaction, ended: readonly EndedJob[]) => void

/** Something that runs while the part works: it is started by `start()` where `work` is not `false`, and ended by `stop()`. */
export interface Loop {
  start(): void | Promise<void>
  stop(timeout: number): void | Promise<void>
}

/** The attempt that a trace is told of. */
export interface TracedAttempt {
  readonly id: number
  readonly name: string
  readonly queue: string
  /** Counts from 1. */
  readonly attempt: number
}

/** Carries the context of a trace, such as OpenTelemetry's `traceparent`, from the enqueue of a job to its attempts. */
export interface TraceHook {
  /** The context of the code that enqueues, as text; `undefined` when there is none. */
  capture(): string | undefined
  /**
   * Runs an attempt inside a context that was captured.
   *
   * @param trace `undefined` for a job that was enqueued without one.
   */
  run<Result>(trace: string | undefined, perform: () => Result, attempt: TracedAttempt): Result
}

/** What the pieces of the part share. */
export interface Engine {
  readonly jobs: Jobs
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  /** Definitions by name. */
  readonly definitions: Definitions
  /** How many jobs of a queue may run at once, for the queues that have a limit. */
  readonly queueLimits: QueueLimits
  /** Size limit of payloads and results, in bytes. */
  readonly maxPayload: number
  readonly enqueuer: Enqueuer
  readonly trace: TraceHook | undefined
  /** The worker stops: a job of several steps leaves before its next one. */
  isStopping: boolean
  /** Told, in the same transaction, of the jobs that have ended. */
  readonly endListeners: EndListener[]
}

/** Tells the listeners, and who waits for the end of jobs, of those that end in a transaction. */
export function tellEnded(tx: Transaction, { endListeners }: Engine, ended: readonly EndedJob[]): void {
  if (ended.length > 0) for (const listener of endListeners) listener(tx, ended)
  tx.touch(finishedTopic)
}
