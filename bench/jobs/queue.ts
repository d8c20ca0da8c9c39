import type { Postgres } from '../harness/postgres.ts'
import type { Redis } from '../harness/redis.ts'

/** What is compared. */
export type System = 'handcar' | 'BullMQ' | 'pg-boss' | 'graphile-worker' | 'plainjob'

/** What an acknowledged job survives: a power cut, the end of every process, or not even the end of its server. */
export type Survives = 'power cut' | 'crash' | 'nothing'

/** Where the jobs of a system are; can be sent to a process. */
export interface Place {
  readonly system: System
  readonly survives: Survives
  /** The database of those that live in a file. */
  readonly path: string
  readonly redis?: Redis['connection']
  readonly postgres?: Postgres['connection']
}

/** The payload of every job: what a mail might need. */
export interface Payload {
  readonly number: number
  readonly to: string
  readonly subject: string
  /** When it was enqueued, on the clock of `now()`; for pickup. */
  readonly sentAt?: number
}

/** How jobs are performed. */
export interface WorkPlan {
  /** How many jobs run at once. */
  readonly slots: number
  /** What the settings are chosen for, where one is paid for with the other. */
  readonly tunedFor: 'throughput' | 'latency' | 'rest'
  /** Called with each job. */
  readonly perform: (payload: Payload) => Promise<void>
}

/** A system, open in one process. Everything goes through its public API, set as its own documentation advises. */
export interface Queue {
  /** Resolves when the job is acknowledged. */
  enqueue(payload: Payload): unknown
  /** Resolves when all are acknowledged; one call of the system's own for many jobs. */
  enqueueAll(payloads: readonly Payload[]): unknown
  /** Begins to perform jobs. */
  work(plan: WorkPlan): Promise<void>
  /** How many jobs are in the store and not performed to the end. */
  unfinished(): Promise<number>
  close(): Promise<void>
}

/** How a system is opened. */
export interface QueueMaker {
  /** Makes the store empty, with what the system needs in it. Nothing has it open. */
  clear(place: Place): Promise<void>
  open(place: Place): Promise<Queue>
}

/** The one queue that all jobs are in. */
export const queueName = 'mail'

/** The n-th job. */
export function payloadOf(number: number): Payload {
  return { number, to: `reader-${number}@example.com`, subject: 'Your digest of the news of this day' }
}

/** So many jobs, from a number on. */
export function payloadsFrom(first: number, count: number): Payload[] {
  return Array.from({ length: count }, (_, index) => payloadOf(first + index))
}

/** Milliseconds on a clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
