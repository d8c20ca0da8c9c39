import {
  clock,
  logger,
  option,
  readOptions,
  type Clock,
  type Duration,
  type Logger,
  type Size,
} from '../core/index.ts'
import { Database } from '../database/index.ts'
import type { AnyJobDefinition } from './definition/define-job.ts'
import { Definitions } from './definition/definitions.ts'
import type { TraceHook } from './engine.ts'
import { RecurringDefinition } from './recurring/define-recurring.ts'
import { readQueueSettings, type QueueSettings } from './worker/queue-limits.ts'
import { readRetention, type RetentionOptions } from './retention/retention-options.ts'
import { readQueues, type Queues } from './worker/queue-order.ts'

/** How a process works on jobs. */
export interface WorkOptions {
  /** How many jobs run at once. Default: 10. */
  slots?: number
  /** Which queues it takes jobs from, and in which order. Default: `'*'`, all of them in turn. */
  queues?: Queues
  /**
   * A job that has waited so long counts as one step of priority smaller, and so on, so that jobs of a large priority get
   * their turn too. 0: never. Default: `'1m'`.
   */
  ageing?: Duration
  /**
   * How much of the time the writes of the worker may take while there is much to do: `'full'`, or `'half'`, which leaves a pause as
   * long as each of them to the requests and writes beside it. Default: `'full'`; in the processes of an app: `'half'`.
   */
  pace?: 'full' | 'half'
  /** After how many jobs a thread or process that performs them (`runsIn`) is replaced. Default: never. */
  maxJobs?: number
  /**
   * A process that performs jobs is replaced when it has more memory than that (RSS) after one. A thread gets no larger heap: a
   * job that needs more ends it. Default: no limit.
   */
  maxRss?: Size
  /**
   * When it begins: with `start()`, or `'later'`, when `jobs.work()` is called, for an app that has to load before its
   * jobs can run. Default: `'start'`.
   */
  begin?: 'start' | 'later'
}

/** Options of {@link Jobs}. */
export interface JobsOptions {
  /** Where the jobs are: the app's own file. It must have the tables: `partMigrations: { jobs: Jobs.migrations }`. */
  database: Database
  /** The jobs that can be enqueued and performed. */
  definitions?: readonly AnyJobDefinition[]
  /** The jobs that recur, as `defineRecurring` returns them; the jobs that they enqueue are defined with them. Default: none. */
  recurring?: readonly RecurringDefinition[]
  /** Whether this process performs jobs, and how. Default: `false`: it only enqueues. */
  work?: boolean | WorkOptions
  /** What is to be said about a queue: how many of its jobs may run at once, over all processes. Default: nothing. */
  queues?: QueueSettings
  /**
   * Which jobs that have ended are kept, by state: by age, number and size. `false`: all of them, for ever. Default: completed ones
   * for 7 days, discarded and cancelled ones for 30 days.
   */
  retention?: RetentionOptions | false
  /** Size limit of a payload and of a result, as JSON. Default: `'1mb'`. */
  maxPayload?: Size
  /** Default: the machine's. */
  clock?: Clock
  /** Default: warnings and errors on standard error. */
  logger?: Logger
  /** Carries the context of a trace from enqueue to perform. Default: none. */
  trace?: TraceHook
  /** How long `stop()` waits for running jobs. Default: `'10s'`. */
  stopTimeout?: Duration
}

const readers = {
  database: option.matching('a Database', (value): value is Database => value instanceof Database),
  definitions: readDefinitions,
  recurring: readRecurring,
  retention: readRetention,
  work: readWork,
  queues: readQueueSettings,
  maxPayload: option.size(1_048_576),
  clock,
  logger,
  trace: option.optional(option.matching('an object with capture() and run()', isTraceHook)),
  stopTimeout: option.duration(10_000),
}

/** Validates the options of {@link Jobs} and fills in the defaults. */
export function resolveOptions(options: JobsOptions) {
  return readOptions('Jobs', options, readers)
}

/**
 * Validates options without the database and the definitions, as the configuration of an app has them, and fills in the defaults.
 *
 * @param owner What the options belong to, for errors.
 * @throws OptionsError
 */
export function resolveJobsOptions(
  options: Omit<JobsOptions, 'database' | 'definitions' | 'recurring'>,
  owner = 'Jobs',
) {
  const { database: _database, definitions: _definitions, recurring: _recurring, ...rest } = readers
  return readOptions(owner, options, rest)
}

function readDefinitions(value: unknown, name: string): Definitions {
  const definitions = new Definitions()
  if (value !== undefined && !Array.isArray(value))
    throw option.invalidOption(name, 'an array of what defineJob returns', value)
  definitions.add((value as unknown[] | undefined) ?? [], name)
  return definitions
}

function readRecurring(value: unknown, name: string): readonly RecurringDefinition[] {
  const expected = 'an array of what defineRecurring returns'
  if (value === undefined) return []
  if (!Array.isArray(value)) throw option.invalidOption(name, expected, value)
  for (const each of value as unknown[])
    if (!(each instanceof RecurringDefinition)) throw option.invalidOption(name, expected, each)
  return value as RecurringDefinition[]
}

function readWork(value: unknown, name: string) {
  if (value === undefined || value === false) return undefined
  return readOptions(name, value === true ? {} : value, {
    slots: option.integer(10, { min: 1, max: 10_000 }),
    queues: readQueues,
    ageing: option.duration(60_000),
    pace: option.oneOf<'full' | 'half'>(['full', 'half'], 'full'),
    maxJobs: option.optional(option.integer(1, { min: 1, max: 1_000_000_000 })),
    maxRss: option.optional(option.size(0)),
    begin: option.oneOf<'start' | 'later'>(['start', 'later'], 'start'),
  })
}

function isTraceHook(value: unknown): value is TraceHook {
  const hook = value as Partial<TraceHook> | null
  return typeof hook?.capture === 'function' && typeof hook.run === 'function'
}
