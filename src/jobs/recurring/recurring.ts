import { describe, HandcarError, nearestName, option, OptionsError, StateError } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { recurringTopic, type Engine } from '../engine.ts'
import { JobHandle } from '../enqueue/job-handle.ts'
import { makeRow, writeRow } from './code.ts'
import { RecurringDefinition } from './define-recurring.ts'
import { refuseFunction, rewrite, withEdit } from './edit.ts'
import { readInfo, type RecurringInfo, type TickInfo } from './info.ts'
import type { RecurringDefinitions } from './recurring-definitions.ts'
import { readSettings, type RecurringSettings } from './recurring-settings.ts'
import { readSchedule, type Schedule } from './schedule.ts'
import { toRow, type RecurringRow, type SettingsRow } from './settings.ts'
import {
  deleteRecurring,
  pauseRecurring,
  resumeRecurring,
  selectAllRecurring,
  selectNamesOfRecurring,
  selectRecurring,
  selectTicks,
  setLastJob,
} from './sql.ts'
import { optionsOf, payloadOf } from './tick.ts'

/** A schedule that is only thought of. */
export type ScheduleOptions = Pick<RecurringSettings, 'cron' | 'every' | 'timeZone'>

/**
 * The recurring jobs of a database: `jobs.recurring`. They are rows: what is changed here counts from its commit on, in all processes
 * and over restarts. Inside a body of `database.write` it is part of that transaction.
 *
 * A name that there is not is refused with `HANDCAR_RECURRING_UNKNOWN`.
 */
export class Recurring {
  readonly #ready: () => Engine
  readonly #definitions: RecurringDefinitions

  /** @internal */
  constructor(ready: () => Engine, definitions: RecurringDefinitions) {
    this.#ready = ready
    this.#definitions = definitions
  }

  /** All of them, by name. */
  list(): RecurringInfo[] {
    return this.#ready().database.all<RecurringRow>(selectAllRecurring).map(readInfo)
  }

  /** One of them; `undefined` when there is none of that name. */
  get(name: string): RecurringInfo | undefined {
    const row = this.#ready().database.get<RecurringRow>(selectRecurring, [name])
    return row && readInfo(row)
  }

  /**
   * When the next ticks after now are, of a recurring job (paused or not) or of a schedule that is only thought of:
   * `next({ cron: '0 9 * * 1-5' }, 10)`.
   *
   * @throws OptionsError
   */
  next(of: string | ScheduleOptions, count = 5): Date[] {
    option.integer(5, { min: 1, max: 1_000 })(count, 'next count')
    const engine = this.#ready()
    const schedule = this.#schedule(of)
    const ticks: Date[] = []
    let tick: number | undefined = engine.clock.now()
    while (ticks.length < count && (tick = schedule.next(tick)) !== undefined) ticks.push(new Date(tick))
    return ticks
  }

  /** The last ticks of a recurring job, the latest first, with the jobs that they made. */
  ticks(name: string, count = 20): TickInfo[] {
    option.integer(20, { min: 1, max: 10_000 })(count, 'ticks count')
    const rows = this.#ready().database.all<{
      tick_at: number
      job_id: number | null
      skipped: string | null
    }>(selectTicks, [name, count])
    if (rows.length === 0) this.#row(name)
    return rows.map(({ tick_at, job_id, skipped }) => ({
      at: new Date(tick_at),
      job: job_id ?? undefined,
      skipped: skipped ?? undefined,
    }))
  }

  /** Keeps it from ticking until `resume`, in all processes and over restarts. */
  pause(name: string): Promise<RecurringInfo> {
    return this.#change(name, (tx, { clock }) => {
      tx.run(pauseRecurring, [clock.now(), name])
    })
  }

  /** Lets it tick again. The ticks of the time in which it was paused do not count as missed. */
  resume(name: string): Promise<RecurringInfo> {
    return this.#change(name, (tx, { clock }, row) => {
      const now = clock.now()
      tx.run(resumeRecurring, [now, readSchedule(row.schedule, row.time_zone).next(now) ?? null, name])
    })
  }

  /**
   * Changes settings of it; those that are not named stay. What the code defines can be edited too: such an edit stays until the
   * code has another value for that setting. Where its ticks become other ones, they begin with the first after now.
   *
   * @throws OptionsError
   */
  async edit(name: string, edit: RecurringSettings): Promise<RecurringInfo> {
    refuseFunction(name, edit.payload)
    const engine = this.#ready()
    const job = engine.definitions.get(this.#row(name).job)
    if (edit.payload !== undefined && job !== undefined) await engine.enqueuer.prepare(job, edit.payload)
    return this.#change(name, (tx, engine, row) => {
      rewrite(tx, engine, row, withEdit(row, edit, engine.maxPayload))
    })
  }

  /** Takes all edits back: it is again as the code says. */
  reset(name: string): Promise<RecurringInfo> {
    return this.#change(name, (tx, engine, row) => {
      if (row.code !== null) rewrite(tx, engine, row, JSON.parse(row.code) as SettingsRow)
    })
  }

  /**
   * Adds one that the code does not define, such as one for each of some rows of the app, or replaces one that was added before. It
   * ticks in the processes that have its job.
   *
   * @throws OptionsError also when its payload is a function, which cannot be stored
   * @throws StateError `HANDCAR_RECURRING_DEFINED` when the code defines one of that name
   */
  async add(definition: RecurringDefinition): Promise<RecurringInfo> {
    const engine = this.#ready()
    if (!(definition instanceof RecurringDefinition))
      throw option.invalidOption('add', 'what defineRecurring returns', definition)
    const { name, job, settings } = definition
    refuseFunction(name, settings.payload)
    await engine.enqueuer.prepare(job, settings.payload)
    const added = toRow(job.name, settings, engine.maxPayload)
    return engine.database.write((tx) => {
      const before = tx.get<RecurringRow>(selectRecurring, [name])
      if (this.#definitions.has(name) || (before && before.code !== null)) throw isDefined(name, 'added')
      const row = makeRow(name, added, before, engine.clock.now(), undefined)
      writeRow(tx, row)
      return readInfo(row)
    })
  }

  /**
   * Removes one that was added, or that the code does not define any more. Its jobs stay. Resolves with `false` when there is none.
   *
   * @throws StateError `HANDCAR_RECURRING_DEFINED` when the code of this process defines it: pause it instead
   */
  async remove(name: string): Promise<boolean> {
    const { database } = this.#ready()
    if (this.#definitions.has(name)) throw isDefined(name, 'removed')
    return (await database.run(deleteRecurring, [name])).changes === 1
  }

  /**
   * Enqueues its job now, also when it is paused. This is no tick: those come as they would have.
   *
   * @throws OptionsError `HANDCAR_JOB_UNKNOWN` when this process does not have the job
   */
  async runNow(name: string): Promise<JobHandle> {
    const engine = this.#ready()
    const { clock, database, enqueuer } = engine
    const row = this.#row(name)
    const definition = engine.definitions.get(row.job)
    if (definition === undefined)
      throw new OptionsError('HANDCAR_JOB_UNKNOWN', `This process does not have the job "${row.job}"`)
    const payload = payloadOf(row, this.#definitions, new Date(clock.now()))
    const job = await enqueuer.prepare(definition, payload, optionsOf(row))
    return database.write((tx) => {
      const enqueued = enqueuer.insert(tx, job)
      tx.run(setLastJob, [enqueued.id, name])
      return new JobHandle(engine, enqueued)
    })
  }

  #change(
    name: string,
    change: (tx: Transaction, engine: Engine, row: RecurringRow) => void,
  ): Promise<RecurringInfo> {
    const engine = this.#ready()
    return engine.database.write((tx) => {
      change(tx, engine, this.#row(name))
      tx.touch(recurringTopic)
      return readInfo(this.#row(name))
    })
  }

  #row(name: string): RecurringRow {
    const { database } = this.#ready()
    const row = database.get<RecurringRow>(selectRecurring, [name])
    if (row !== undefined) return row
    const names = database.all<{ name: string }>(selectNamesOfRecurring).map((each) => each.name)
    const nearest = nearestName(name, names)
    throw new HandcarError('HANDCAR_RECURRING_UNKNOWN', `There is no recurring job ${describe(name)}`, {
      ...(nearest && { fix: `Did you mean "${nearest}"?` }),
    })
  }

  #schedule(of: string | ScheduleOptions): Schedule {
    if (typeof of === 'string') {
      const { schedule, time_zone } = this.#row(of)
      return readSchedule(schedule, time_zone)
    }
    const { schedule, timeZone } = readSettings('next', of)
    return readSchedule(schedule, timeZone)
  }
}

function isDefined(name: string, what: string): StateError {
  return new StateError(
    'HANDCAR_RECURRING_DEFINED',
    `The recurring job "${name}" is defined by the code and cannot be ${what}`,
  )
}
