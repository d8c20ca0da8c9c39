import { option, readOptions } from '../../core/index.ts'
import type { JobDefinition } from '../definition/define-job.ts'
import { encode } from '../definition/payload.ts'
import type { Engine } from '../engine.ts'
import type { EnqueueOptions } from '../enqueue/enqueue-options.ts'
import type { JobRow } from '../enqueue/job-row.ts'

/** A job that is enqueued when a batch ends: a definition that takes no payload, or one with its payload. */
export type BatchCallback<Payload> =
  | JobDefinition<undefined, unknown>
  | ({ job: JobDefinition<Payload, unknown>; payload: Payload } & Pick<
      EnqueueOptions,
      'queue' | 'priority' | 'maxAttempts' | 'tags'
    >)

/** What a batch is called, carries, and does when it ends. */
export interface BatchOptions<Success = undefined, Failure = undefined, Finish = undefined> {
  /** What it is called, for people. In a workflow, what others wait for. */
  name?: string
  /** Any JSON that the callbacks and the jobs may want to know: `job.batch.metadata()`. */
  metadata?: unknown
  /** Enqueued when all of its jobs have completed. */
  onSuccess?: BatchCallback<Success>
  /** Enqueued when all of its jobs have ended, and some were discarded or cancelled. */
  onFailure?: BatchCallback<Failure>
  /** Enqueued when all of its jobs have ended, however. */
  onFinish?: BatchCallback<Finish>
  /** It stays open, also when none of its jobs is left, until `close()`. Default: `false`. */
  stayOpen?: boolean
}

/** The kinds of callbacks, with the column of each. */
export type CallbackKind = 'success' | 'failure' | 'finish'

/** The options of a batch, read. */
export interface PlannedOptions {
  readonly name: string | undefined
  /** JSON. */
  readonly metadata: string | null
  readonly stayOpen: boolean
  /** The callbacks' rows; a promise only where a schema returns one. */
  readonly callbacks: Partial<Record<CallbackKind, JobRow | Promise<JobRow>>>
}

/**
 * Validates the options of a batch.
 *
 * @throws OptionsError also for a payload of a callback that is refused
 */
export function readBatchOptions(engine: Engine, options: unknown): PlannedOptions {
  const { onSuccess, onFailure, onFinish, metadata, ...given } = readOptions('batch', options, {
    name: option.optional(option.text()),
    metadata: (value) =>
      value === undefined ? null : encode(value, 'metadata of a batch', engine.maxPayload),
    stayOpen: option.flag(false),
    onSuccess: (value, name) => readCallback(engine, value, name),
    onFailure: (value, name) => readCallback(engine, value, name),
    onFinish: (value, name) => readCallback(engine, value, name),
  })
  const callbacks = {
    ...(onSuccess && { success: onSuccess }),
    ...(onFailure && { failure: onFailure }),
    ...(onFinish && { finish: onFinish }),
  }
  return { ...given, metadata, callbacks }
}

function readCallback(engine: Engine, value: unknown, name: string): JobRow | Promise<JobRow> | undefined {
  if (value === undefined) return undefined
  const isPlain = typeof value === 'object' && value !== null && 'job' in value
  const { job, payload, ...options } = isPlain
    ? readOptions(name, value, {
        job: (job) => job,
        payload: (payload) => payload,
        queue: option.optional(option.text()),
        priority: option.optional(option.integer(0, { min: -1_000_000, max: 1_000_000 })),
        maxAttempts: option.optional(option.integer(25, { min: 1, max: 1_000_000 })),
        tags: (tags) => tags as string[] | undefined,
      })
    : { job: value, payload: undefined }
  const row = engine.enqueuer.prepare(engine.enqueuer.known(job), payload, options)
  return row instanceof Promise ? row.then(withoutKey) : withoutKey(row)
}

/** Each end of a batch has its callback, also when another one with the same unique key waits. */
function withoutKey(row: JobRow): JobRow {
  return { ...row, unique_key: null, unique_while: null, unique_until: null }
}
