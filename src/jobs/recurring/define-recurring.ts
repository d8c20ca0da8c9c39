import { option, readOptions } from '../../core/index.ts'
import { JobDefinition, type AnyJobDefinition } from '../definition/define-job.ts'
import {
  readSettings,
  type RecurringSettings,
  type ResolvedSettings,
  type TickOfPayload,
} from './recurring-settings.ts'

/** What {@link defineRecurring} takes. */
export interface RecurringOptions<Payload, Result> extends RecurringSettings<Payload> {
  /** What it is called in the database. */
  name: string
  /** The job that each tick enqueues. */
  job: JobDefinition<Payload, Result>
}

/** A job that recurs, as the code defines it. Made by {@link defineRecurring}. */
export class RecurringDefinition {
  readonly name: string
  /** The job that each tick enqueues. */
  readonly job: AnyJobDefinition
  /** The settings, checked and complete. */
  readonly settings: ResolvedSettings

  /** @internal */
  constructor(options: object) {
    const { name, job, ...settings } = options as Record<string, unknown>
    const given = readOptions(
      'defineRecurring',
      { name, job },
      {
        name: option.text(),
        job: option.matching('what defineJob returns', isJob),
      },
    )
    this.name = given.name
    this.job = given.job
    this.settings = readSettings(`Recurring job "${given.name}"`, settings)
  }
}

/**
 * Defines a job that recurs: each tick of its schedule enqueues one job, exactly once over all processes and restarts.
 *
 * ```ts
 * const digest = defineRecurring({ name: 'daily-digest', job: sendDigest, cron: '0 9 * * 1-5', timeZone: 'Europe/Berlin' })
 * const jobs = new Jobs({ database, definitions: [sendDigest], recurring: [digest], work: true })
 * ```
 *
 * @throws OptionsError also for a cron expression of which no tick ever comes
 */
export function defineRecurring<Payload, Result>(
  options: RecurringOptions<Payload, Result> &
    (undefined extends Payload ? unknown : { payload: Payload | ((tick: TickOfPayload) => Payload) }),
): RecurringDefinition {
  return new RecurringDefinition(options)
}

function isJob(value: unknown): value is AnyJobDefinition {
  return value instanceof JobDefinition
}
