import {
  isStandardSchema,
  option,
  readOptions,
  type Duration,
  type InputOf,
  type OutputOf,
  type StandardSchema,
} from '../../core/index.ts'
import { readBackoff, type Backoff } from './backoff.ts'
import type { JobContext } from '../perform/job-context.ts'
import type { Outcome } from '../perform/outcome.ts'
import type { UniqueOptions } from './unique.ts'

/** What becomes of a job whose attempt has failed: the usual, or what the policy says. */
export type ErrorPolicy = 'retry' | 'discard' | Outcome

/** Everything about a job but what it takes: how, where and how often it runs. */
export interface JobOptions<Payload> {
  /** What it is called in the database. Renaming it parks the jobs that wait under the old name. */
  name: string
  /** Default: `'default'`. */
  queue?: string
  /** Jobs of a queue run in the order of their priority, the smallest first. Default: 0. */
  priority?: number
  /** How often it is tried. Default: 25. */
  maxAttempts?: number
  /** How long it waits after a failed attempt. Default: 1 s, then twice as long each time up to an hour, each ± 20 %. */
  backoff?: Backoff
  /** After how long an attempt is aborted and counts as failed. Default: never. */
  timeout?: Duration
  /** Looks at the error of an attempt and says what becomes of the job. Default: it is retried while attempts are left. */
  onError?: (error: unknown, job: JobContext) => ErrorPolicy | undefined | void
  /** Keeps a second job with the same key from being enqueued. Default: none. */
  unique?: (payload: Payload) => string | UniqueOptions<Payload> | undefined
  /** How many jobs with the same key may run at once, over all processes. Default: no limit. */
  limit?: { key?: (payload: Payload) => string; count: number }
  /** How many jobs with the same key may begin per time: a token bucket that holds `count`. Default: no limit. */
  rate?: { key?: (payload: Payload) => string; count: number; per: Duration }
  /** Jobs of a queue with different keys take turns, so that the backlog of one does not hold up the others. Default: none. */
  fairBy?: (payload: Payload) => string | number
  /** Version of the payload's shape. Default: 1. */
  version?: number
  /** Makes a payload of this version of one that an older version has enqueued. */
  upcast?: (payload: unknown, version: number) => unknown
  /** Where `perform` runs: on this thread, or the default export of `file` in a thread or process of its own. Default: `'here'`. */
  runsIn?: 'here' | 'thread' | 'process'
  /** The module of a job that runs in a thread or a process. */
  file?: URL | string
  /** Run `perform` inside one `database.write`, together with its completion: its changes happen exactly once. Default: `false`. */
  transactional?: boolean
  /** What becomes of the job when its process dies under it. Default: `'retry'`. */
  onCrash?: 'retry' | 'discard'
  /** After how many such deaths it is discarded. Default: 3. */
  maxCrashes?: number
}

/** What `defineJob` takes. */
export interface JobWithSchema<Schema extends StandardSchema, Result> extends JobOptions<InputOf<Schema>> {
  /** Checks the payload when it is enqueued and again before it is performed. */
  schema: Schema
  /** Does the work. What it returns is the job's result, unless it is an outcome such as `snooze('5m')`. */
  perform?: (payload: OutputOf<Schema>, job: JobContext) => Result
}

/** What `defineJob` takes without a schema. */
export interface JobWithoutSchema<Payload, Result> extends JobOptions<Payload> {
  schema?: undefined
  /** Does the work. What it returns is the job's result, unless it is an outcome such as `snooze('5m')`. */
  perform?: (payload: Payload, job: JobContext) => Result
}

/** What a job's `perform` leaves behind as its result. */
export type ResultOf<Result> = Exclude<Awaited<Result>, Outcome>

/** A job as producers and workers know it. Made by {@link defineJob}. */
export class JobDefinition<Input = never, Result = unknown> {
  readonly name: string
  readonly queue: string
  readonly priority: number
  readonly maxAttempts: number
  readonly version: number
  readonly timeout: number | undefined
  readonly transactional: boolean
  readonly runsIn: 'here' | 'thread' | 'process'
  readonly file: URL | undefined
  readonly onCrash: 'retry' | 'discard'
  readonly maxCrashes: number
  readonly limit: { key: ((payload: Input) => string) | undefined; count: number } | undefined
  readonly rate:
    | { key: ((payload: Input) => string) | undefined; interval: number; count: number }
    | undefined
  /** @internal */
  readonly backoff: (attempt: number) => number
  /** @internal */
  readonly schema: StandardSchema | undefined
  /** @internal */
  readonly perform: (payload: unknown, job: JobContext) => unknown
  /** @internal */
  readonly onError: ((error: unknown, job: JobContext) => ErrorPolicy | undefined | void) | undefined
  /** @internal */
  readonly unique: ((payload: Input) => string | UniqueOptions | undefined) | undefined
  /** @internal */
  readonly fairBy: ((payload: Input) => string | number) | undefined
  /** @internal */
  readonly upcast: ((payload: unknown, version: number) => unknown) | undefined
  /** Only for the types. */
  declare readonly result: Result

  /** @internal */
  constructor(options: object) {
    const given = readOptions('defineJob', options, {
      name: option.text(),
      queue: option.text('default'),
      priority: option.integer(0, { min: -1_000_000, max: 1_000_000 }),
      maxAttempts: option.integer(25, { min: 1, max: 1_000_000 }),
      backoff: readBackoff,
      timeout: option.optional(option.duration(0)),
      onError: readFunction,
      unique: readFunction,
      limit: readLimit,
      rate: readRate,
      fairBy: readFunction,
      version: option.integer(1, { min: 1, max: 1_000_000_000 }),
      upcast: readFunction,
      runsIn: option.oneOf<'here' | 'thread' | 'process'>(['here', 'thread', 'process'], 'here'),
      file: readFile,
      transactional: option.flag(false),
      onCrash: option.oneOf<'retry' | 'discard'>(['retry', 'discard'], 'retry'),
      maxCrashes: option.integer(3, { min: 1, max: 1_000_000 }),
      schema: option.optional(
        option.matching('a Standard Schema (Zod, Valibot, ArkType, …)', isStandardSchema),
      ),
      perform: readFunction,
    })
    const { runsIn, file, perform, transactional } = given
    const owner = `Job "${given.name}"`
    if (runsIn === 'here') {
      if (perform === undefined)
        throw option.invalidOption(`${owner} option "perform"`, 'a function', perform)
      if (file !== undefined)
        throw option.invalidOption(`${owner} option "file"`, 'none where runsIn is "here"', file.href)
    } else {
      if (file === undefined)
        throw option.invalidOption(`${owner} option "file"`, 'the URL of a module', file)
      if (perform !== undefined)
        throw option.invalidOption(
          `${owner} option "perform"`,
          `none: the module does the work in a ${runsIn}`,
          perform,
        )
      if (transactional)
        throw option.invalidOption(`${owner} option "transactional"`, 'false in another thread', true)
    }
    this.name = given.name
    this.queue = given.queue
    this.priority = given.priority
    this.maxAttempts = given.maxAttempts
    this.version = given.version
    this.timeout = given.timeout
    this.transactional = transactional
    this.runsIn = runsIn
    this.file = file
    this.onCrash = given.onCrash
    this.maxCrashes = given.maxCrashes
    this.limit = given.limit
    this.rate = given.rate
    this.backoff = given.backoff
    this.schema = given.schema
    this.perform = (perform ?? (() => undefined)) as JobDefinition['perform']
    this.onError = given.onError as JobDefinition['onError']
    this.unique = given.unique as JobDefinition<Input>['unique']
    this.fairBy = given.fairBy as JobDefinition<Input>['fairBy']
    this.upcast = given.upcast as JobDefinition['upcast']
  }
}

/** Any definition, whatever it takes and returns. */
// oxlint-disable-next-line typescript/no-explicit-any -- a parameter takes no union; any is what accepts all definitions
export type AnyJobDefinition = JobDefinition<any, unknown>

/**
 * Defines a job: one value that producers enqueue and workers perform.
 *
 * ```ts
 * const welcome = defineJob({
 *   name: 'welcome-mail',
 *   schema: z.object({ userId: z.number() }),
 *   async perform({ userId }, job) { … },
 * })
 * await jobs.enqueue(welcome, { userId: 1 })
 * ```
 *
 * Without a schema, the first function that names the payload says what it is: `perform(payload: { userId: number }, job)`, or
 * `limit: { key: (payload: { userId: number }) => … }` where that stands before it.
 *
 * @throws OptionsError
 */
export function defineJob<Schema extends StandardSchema, Result = unknown>(
  options: JobWithSchema<Schema, Result>,
): JobDefinition<InputOf<Schema>, ResultOf<Result>>
export function defineJob<Payload = undefined, Result = unknown>(
  options: JobWithoutSchema<Payload, Result>,
): JobDefinition<Payload, ResultOf<Result>>
export function defineJob(options: object): AnyJobDefinition {
  return new JobDefinition(options)
}

type AnyFunction = (...parameters: never[]) => unknown

const readFunction = option.optional(
  option.matching('a function', (value): value is AnyFunction => typeof value === 'function'),
)

function readLimit(value: unknown, name: string): AnyJobDefinition['limit'] {
  if (value === undefined) return undefined
  const { key, count } = readOptions(name, value, {
    key: readFunction,
    count: option.integer(0, { min: 1, max: 1_000_000 }),
  })
  if (count === 0) throw option.invalidOption(`${name} count`, 'a whole number from 1', undefined)
  return { key: key as ((payload: unknown) => string) | undefined, count }
}

function readRate(value: unknown, name: string): AnyJobDefinition['rate'] {
  if (value === undefined) return undefined
  const { key, count, per } = readOptions(name, value, {
    key: readFunction,
    count: option.integer(0, { min: 1, max: 1_000_000_000 }),
    per: option.duration(0),
  })
  if (count === 0) throw option.invalidOption(`${name} count`, 'a whole number from 1', undefined)
  if (per === 0) throw option.invalidOption(`${name} per`, 'a duration that is not 0', undefined)
  return { key: key as ((payload: unknown) => string) | undefined, interval: per / count, count }
}

function readFile(value: unknown, name: string): URL | undefined {
  if (value === undefined) return undefined
  const url = typeof value === 'string' ? URL.parse(value) : value
  if (url instanceof URL && url.protocol === 'file:') return url
  throw option.invalidOption(name, "a file: URL, such as new URL('./resize.ts', import.meta.url)", value)
}
