import { describeIssues, OptionsError, type StandardSchemaResult } from '../../core/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import { encode } from '../definition/payload.ts'
import { upcastPayload, type ParkedError } from '../definition/stored-payload.ts'
import { readUnique } from '../definition/unique.ts'
import type { Engine } from '../engine.ts'
import { readEnqueueOptions, scheduledAtOf, type EnqueueOptions } from './enqueue-options.ts'
import type { JobRow, StoredPayload } from './job-row.ts'
import { timeAfter } from '../time.ts'

/** Makes the rows of jobs: their payload is checked and encoded, and what depends on it is asked of the definition. */
export class Preparing {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Makes the row of a job. Returns a promise only where the schema does. */
  prepare(
    definition: AnyJobDefinition,
    payload: unknown,
    options: EnqueueOptions | undefined,
  ): JobRow | Promise<JobRow> {
    const { schema } = definition
    if (schema === undefined) return this.row(definition, payload, options)
    const checked = schema['~standard'].validate(payload)
    if (checked instanceof Promise) {
      return checked.then((result) => {
        assertValid(definition, result)
        return this.row(definition, payload, options)
      })
    }
    assertValid(definition, checked)
    return this.row(definition, payload, options)
  }

  /** Encodes payloads of jobs that have no schema. */
  encodeAll({ name }: AnyJobDefinition, payloads: readonly unknown[]): string[] {
    const owner = `payload of job "${name}"`
    return payloads.map((payload) => encode(payload, owner, this.#engine.maxPayload))
  }

  /** Makes the row of a job whose payload has been checked. */
  row(definition: AnyJobDefinition, payload: unknown, options: EnqueueOptions | undefined): JobRow {
    const { clock, maxPayload, trace } = this.#engine
    const { name, limit, rate, fairBy } = definition
    const now = clock.now()
    const given = readEnqueueOptions(options)
    const scheduledAt = scheduledAtOf(given, now)
    const unique =
      given.unique ?? (definition.unique && readUnique(definition.unique(payload), `Job "${name}" unique`))
    return {
      name,
      queue: given.queue ?? definition.queue,
      priority: given.priority ?? definition.priority,
      turn: 0,
      state: scheduledAt === null ? 'available' : 'scheduled',
      version: definition.version,
      max_attempts: given.maxAttempts ?? definition.maxAttempts,
      created_at: now,
      scheduled_at: scheduledAt,
      limit_count: limit === undefined ? null : limit.count,
      batch_id: given.batch ?? null,
      parent_id: null,
      unique_while: unique?.while ?? null,
      unique_until: unique?.for ? timeAfter(now, unique.for) : null,
      unique_key: unique === undefined ? null : `${name}:${unique.key}`,
      limit_key: limit === undefined ? null : keyOf(name, limit.key, payload),
      rate_key: rate === undefined ? null : keyOf(name, rate.key, payload),
      fair_key: fairBy === undefined ? null : String(fairBy(payload)),
      tags: given.tags ?? null,
      trace: trace?.capture() ?? null,
      payload: encode(payload, `payload of job "${name}"`, maxPayload),
      onConflict:
        typeof unique?.onConflict === 'object'
          ? this.#merging(definition, unique.onConflict.merge, payload)
          : unique?.onConflict,
    }
  }

  /** Merges the payload of a job that waits with one that is enqueued. A schema that takes its time is asked before performing only. */
  #merging(
    definition: AnyJobDefinition,
    merge: (waiting: unknown, added: unknown) => unknown,
    added: unknown,
  ): (waiting: StoredPayload) => string {
    return (waiting) => {
      const merged = merge(readWaiting(waiting, definition), added)
      const checked = definition.schema?.['~standard'].validate(merged)
      if (checked !== undefined && !(checked instanceof Promise)) assertValid(definition, checked)
      return encode(merged, `merged payload of job "${definition.name}"`, this.#engine.maxPayload)
    }
  }
}

function keyOf(name: string, key: ((payload: unknown) => string) | undefined, payload: unknown): string {
  return key === undefined ? name : `${name}:${key(payload)}`
}

function readWaiting(waiting: StoredPayload, definition: AnyJobDefinition): unknown {
  try {
    return upcastPayload(waiting, definition)
  } catch (error) {
    const { problem } = error as ParkedError
    throw new OptionsError(
      'HANDCAR_JOB_PAYLOAD',
      `The payload of job ${waiting.id} ("${definition.name}") cannot be merged with another: ${problem}`,
    )
  }
}

function assertValid({ name }: AnyJobDefinition, result: StandardSchemaResult<unknown>): void {
  if (result.issues === undefined) return
  throw new OptionsError(
    'HANDCAR_JOB_PAYLOAD',
    `The payload of job "${name}" does not fit its schema: ${describeIssues(result.issues)}`,
    { details: { job: name, issues: result.issues } },
  )
}
