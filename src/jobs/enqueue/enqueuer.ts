import { HandcarError, option, OptionsError, readOptions, type Duration } from '../../core/index.ts'
import type { SqlParameter, Transaction } from '../../database/index.ts'
import { JobDefinition, type AnyJobDefinition } from '../definition/define-job.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import { enqueueEvent } from '../events.ts'
import { FairTurns } from './fair-turns.ts'
import { JobHandle } from './job-handle.ts'
import { payloadsAtOnce, pushValues, rowsAtOnce, valuesOf, type JobRow } from './job-row.ts'
import { encode } from '../definition/payload.ts'
import {
  insertJob,
  insertManyJobs,
  insertManyPayloads,
  insertPayload,
  insertUniqueJob,
  releaseKey,
  replaceJob,
  rescheduleJob,
  selectHolderOfKey,
} from '../sql.ts'
import { describeIssues, type StandardSchemaResult } from '../definition/standard-schema.ts'
import { readUnique, type UniqueOptions } from '../definition/unique.ts'

/** When and how one job runs, where it differs from its definition. */
export interface EnqueueOptions {
  /** It runs after so long. Default: at once. */
  in?: Duration
  /** It runs at this time: a Date, or milliseconds since 1970. Default: at once. */
  at?: Date | number
  /** Default: the definition's. */
  priority?: number
  /** Default: the definition's. */
  queue?: string
  /** Default: the definition's. */
  unique?: string | UniqueOptions
  /** Default: the definition's. */
  maxAttempts?: number
  /** Words to find it by. Default: none. */
  tags?: readonly string[]
  /** The batch that it belongs to. Default: none. */
  batch?: number | { readonly id: number }
}

/** What an enqueue has come to: the id of the job, or of the one that has its unique key. */
export interface Enqueued {
  readonly id: number
  readonly wasEnqueued: boolean
}

/** Checks jobs and puts them into the table. */
export class Enqueuer {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * Enqueues a job inside the open transaction, or in one of its own. Throws at once what is refused at once.
   *
   * @param parent The job that does it.
   */
  enqueue<Result>(
    definition: unknown,
    payload: unknown,
    options?: EnqueueOptions,
    parent: number | null = null,
  ): Promise<JobHandle<Result>> {
    return this.#write(this.prepare(this.#known(definition), payload, options), (row, tx) => {
      row.parent_id = parent
      const enqueued = this.insert(tx, row)
      if (enqueued.wasEnqueued && enqueueEvent.hasSubscribers)
        enqueueEvent.publish({ id: enqueued.id, name: row.name, queue: row.queue })
      return new JobHandle<Result>(this.#engine, enqueued)
    })
  }

  /** Enqueues any number of jobs, as `enqueue` does. */
  enqueueAll<Payload, Result>(
    definition: unknown,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Promise<JobHandle<Result>[]> {
    return this.#write(this.prepareAll(this.#known(definition), payloads, options), (insertAll, tx) =>
      insertAll(tx).map((each) => new JobHandle<Result>(this.#engine, each)),
    )
  }

  /**
   * Makes the row of a job. Returns a promise only where the schema does.
   *
   * @throws OptionsError `HANDCAR_JOB_PAYLOAD`, `HANDCAR_OPTION_INVALID`, `HANDCAR_OPTION_UNKNOWN`
   */
  prepare(
    definition: AnyJobDefinition,
    payload: unknown,
    options?: EnqueueOptions,
  ): JobRow | Promise<JobRow> {
    const { schema } = definition
    if (schema === undefined) return this.#row(definition, payload, options)
    const checked = schema['~standard'].validate(payload)
    if (checked instanceof Promise) {
      return checked.then((result) => {
        assertValid(definition, result)
        return this.#row(definition, payload, options)
      })
    }
    assertValid(definition, checked)
    return this.#row(definition, payload, options)
  }

  /** Inserts one job inside a transaction. */
  insert(tx: Transaction, row: JobRow): Enqueued {
    if (row.fair_key !== null) new FairTurns(tx).give(row)
    tx.touch(jobsTopic)
    if (row.unique_key !== null) return this.#insertUnique(tx, row)
    return { id: Number(tx.run(insertJob, valuesOf(row)).lastInsertRowid), wasEnqueued: true }
  }

  /** Checks and encodes any number of jobs; what it returns inserts them. Returns a promise only where the schema does. */
  prepareAll<Payload>(
    definition: AnyJobDefinition,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Insertion | Promise<Insertion> {
    if (!Array.isArray(payloads)) throw option.invalidOption('enqueueAll payloads', 'an array', payloads)
    if (payloads.length === 0) return () => []
    if (isUniform(definition) && typeof options !== 'function' && options?.unique === undefined) {
      return this.#prepareUniform(definition, payloads, options)
    }
    const rows: (JobRow | Promise<JobRow>)[] = payloads.map((payload: Payload, index) =>
      this.prepare(definition, payload, typeof options === 'function' ? options(payload, index) : options),
    )
    if (rows.some((row) => row instanceof Promise))
      return Promise.all(rows.map(async (row) => row)).then((rows) => (tx) => this.insertAll(tx, rows))
    return (tx) => this.insertAll(tx, rows as JobRow[])
  }

  /** Jobs that differ in nothing but their payload, so that the rest is made once. */
  #prepareUniform(
    definition: AnyJobDefinition,
    payloads: readonly unknown[],
    options?: EnqueueOptions,
  ): Insertion {
    const owner = `payload of job "${definition.name}"`
    const texts = payloads.map((payload) => encode(payload, owner, this.#engine.maxPayload))
    const row = this.#row(definition, null, options)
    return (tx) => this.insertPayloads(tx, row, texts)
  }

  /** Inserts any number of jobs inside a transaction. Returns what became of each, in their order. */
  insertAll(tx: Transaction, rows: readonly JobRow[]): Enqueued[] {
    if (rows.length === 0) return []
    tx.touch(jobsTopic)
    const turns = new FairTurns(tx)
    for (const row of rows) if (row.fair_key !== null && row.state === 'available') turns.give(row)
    const enqueued: Enqueued[] = []
    for (let from = 0; from < rows.length;) {
      const row = rows[from]!
      if (row.unique_key !== null) {
        enqueued.push(this.#insertUnique(tx, row))
        from++
        continue
      }
      const count = lengthOfRun(rows, from)
      if (count < rowsAtOnce) {
        const { lastInsertRowid } = tx.run(insertJob, valuesOf(row))
        enqueued.push({ id: Number(lastInsertRowid), wasEnqueued: true })
        from++
        continue
      }
      const parameters: SqlParameter[] = []
      for (let index = from; index < from + rowsAtOnce; index++) pushValues(parameters, rows[index]!)
      pushIds(enqueued, tx.run(insertManyJobs, parameters).lastInsertRowid, rowsAtOnce)
      from += rowsAtOnce
    }
    return enqueued
  }

  /** Inserts jobs that have everything in common but their payload. */
  insertPayloads(tx: Transaction, row: JobRow, payloads: readonly string[]): Enqueued[] {
    tx.touch(jobsTopic)
    const common = valuesOf(row)
    common.pop()
    const enqueued: Enqueued[] = []
    let from = 0
    for (; from + payloadsAtOnce <= payloads.length; from += payloadsAtOnce) {
      const parameters = common.concat(payloads.slice(from, from + payloadsAtOnce))
      pushIds(enqueued, tx.run(insertManyPayloads, parameters).lastInsertRowid, payloadsAtOnce)
    }
    for (; from < payloads.length; from++) {
      pushIds(enqueued, tx.run(insertPayload, [...common, payloads[from]!]).lastInsertRowid, 1)
    }
    return enqueued
  }

  #write<Prepared, Result>(
    prepared: Prepared | Promise<Prepared>,
    insert: (prepared: Prepared, tx: Transaction) => Result,
  ): Promise<Result> {
    const { database } = this.#engine
    const tx = database.transaction
    if (prepared instanceof Promise) {
      return prepared.then((prepared) =>
        tx ? insert(prepared, tx) : database.write((tx) => insert(prepared, tx)),
      )
    }
    return tx ? Promise.resolve(insert(prepared, tx)) : database.write((tx) => insert(prepared, tx))
  }

  #known(definition: unknown): AnyJobDefinition {
    if (!(definition instanceof JobDefinition))
      throw option.invalidOption('enqueue job', 'what defineJob returns', definition)
    const { name } = definition
    if (this.#engine.definitions.get(name) === definition) return definition as AnyJobDefinition
    throw new OptionsError(
      'HANDCAR_JOB_UNKNOWN',
      `The job "${name}" is not one of the definitions of these Jobs`,
    )
  }

  #row(definition: AnyJobDefinition, payload: unknown, options: EnqueueOptions | undefined): JobRow {
    const { clock, maxPayload } = this.#engine
    const { name, limit, rate, fairBy } = definition
    const now = clock.now()
    const given = options === undefined ? noOptions : readEnqueueOptions(options)
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
      unique_until: unique?.for ? now + Math.ceil(unique.for) : null,
      unique_key: unique === undefined ? null : `${name}:${unique.key}`,
      limit_key: limit === undefined ? null : keyOf(name, limit.key, payload),
      rate_key: rate === undefined ? null : keyOf(name, rate.key, payload),
      fair_key: fairBy === undefined ? null : String(fairBy(payload)),
      tags: given.tags ?? null,
      trace: this.#engine.trace?.capture() ?? null,
      payload: encode(payload, `payload of job "${name}"`, maxPayload),
      onConflict: unique?.onConflict,
    }
  }

  #insertUnique(tx: Transaction, row: JobRow): Enqueued {
    const inserted = tx.run(insertUniqueJob, valuesOf(row))
    if (inserted.changes === 1) return { id: Number(inserted.lastInsertRowid), wasEnqueued: true }
    const holder = tx.get<Holder>(selectHolderOfKey, [row.unique_key])!
    if (isOver(holder, row.created_at)) {
      tx.run(releaseKey, [holder.id])
      return { id: Number(tx.run(insertUniqueJob, valuesOf(row)).lastInsertRowid), wasEnqueued: true }
    }
    if (row.onConflict !== 'keep' && isWaiting(holder)) {
      const { payload, version, tags, trace, limit_key, limit_count, rate_key } = row
      tx.run(replaceJob, { id: holder.id, payload, version, tags, trace, limit_key, limit_count, rate_key })
      if (row.onConflict === 'reschedule') {
        const { state, scheduled_at, unique_until } = row
        tx.run(rescheduleJob, { id: holder.id, state, scheduled_at, unique_until })
      }
    }
    return { id: holder.id, wasEnqueued: false }
  }
}

/** Inserts prepared jobs inside a transaction. */
export type Insertion = (tx: Transaction) => Enqueued[]

/** Whether nothing about a job depends on its payload. */
function isUniform({ unique, limit, rate, fairBy, schema }: AnyJobDefinition): boolean {
  return [unique, limit, rate, fairBy, schema].every((each) => each === undefined)
}

interface Holder {
  id: number
  state: string
  unique_while: string
  unique_until: number | null
}

function isWaiting({ state }: Holder): boolean {
  return state === 'available' || state === 'scheduled' || state === 'retryable'
}

/** Whether a job has its key only because of a period, which has passed. */
function isOver(holder: Holder, now: number): boolean {
  if (isWaiting(holder) || (holder.unique_until ?? 0) > now) return false
  return holder.state !== 'running' || holder.unique_while === 'waiting'
}

/** How many rows from here on have no unique key, as far as it matters. */
function lengthOfRun(rows: readonly JobRow[], from: number): number {
  const end = Math.min(rows.length, from + rowsAtOnce)
  let index = from
  while (index < end && rows[index]!.unique_key === null) index++
  return index - from
}

/** The rows of one statement have consecutive ids: nobody else writes meanwhile, and autoincrement counts by one. */
function pushIds(enqueued: Enqueued[], lastInsertRowid: number | bigint, count: number): void {
  const last = Number(lastInsertRowid)
  for (let id = last - count + 1; id <= last; id++) enqueued.push({ id, wasEnqueued: true })
}

function keyOf(name: string, key: ((payload: unknown) => string) | undefined, payload: unknown): string {
  return key === undefined ? name : `${name}:${key(payload)}`
}

function assertValid({ name }: AnyJobDefinition, result: StandardSchemaResult<unknown>): void {
  if (result.issues === undefined) return
  throw new OptionsError(
    'HANDCAR_JOB_PAYLOAD',
    `The payload of job "${name}" does not fit its schema: ${describeIssues(result.issues)}`,
    { details: { job: name, issues: result.issues } },
  )
}

const readTags = option.optional(
  option.matching('an array of strings', (value): value is string[] => {
    return Array.isArray(value) && value.every((each) => typeof each === 'string')
  }),
)

function readEnqueueOptions(options: EnqueueOptions) {
  const { tags, batch, ...given } = readOptions('enqueue', options, {
    in: option.optional(option.duration(0)),
    at: readTime,
    priority: option.optional(option.integer(0, { min: -1_000_000, max: 1_000_000 })),
    queue: option.optional(option.text()),
    unique: readUnique,
    maxAttempts: option.optional(option.integer(25, { min: 1, max: 1_000_000 })),
    tags: readTags,
    batch: readBatch,
  })
  return { ...given, batch, tags: tags === undefined || tags.length === 0 ? undefined : JSON.stringify(tags) }
}

const noOptions: Partial<ReturnType<typeof readEnqueueOptions>> = {}

function scheduledAtOf({ in: delay, at }: { in?: number | undefined; at?: number | undefined }, now: number) {
  if (delay !== undefined && at !== undefined) {
    throw new HandcarError(
      'HANDCAR_OPTION_INVALID',
      'enqueue has both options "in" and "at"; expected one of them',
    )
  }
  const time = at ?? (delay === undefined ? now : now + Math.ceil(delay))
  return time > now ? time : null
}

function readTime(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time === 'number' && Number.isFinite(time)) return Math.ceil(time)
  throw option.invalidOption(name, 'a valid Date, or milliseconds since 1970', value)
}

function readBatch(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (isBatch(value)) return value.id
  throw option.invalidOption(name, 'a batch', value)
}

function isBatch(value: unknown): value is { id: number } {
  return typeof value === 'object' && value !== null && 'id' in value && Number.isInteger(value.id)
}
