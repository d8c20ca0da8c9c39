import type { Transaction } from '../../database/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import type { EnqueueOptions } from '../enqueue/enqueue-options.ts'
import type { JobRow } from '../enqueue/job-row.ts'
import { tickEvent } from '../events.ts'
import { dueTicks } from './due-ticks.ts'
import type { RecurringDefinitions } from './recurring-definitions.ts'
import { readSchedule } from './schedule.ts'
import { missedOf, type RecurringRow } from './settings.ts'
import { insertTick, selectRecurring, selectTick, selectUnfinishedJob, setTicked } from './sql.ts'

/** The job that a tick is to make, or why it makes none. */
type Prepared = { at: number; row: JobRow } | { at: number; row: undefined; reason: string }

/**
 * Ticks one recurring job: the row of each tick, its job, and how far it has been ticked are one write. Of several processes
 * that try, the first one does it and the others find it done; a process that is killed has done all of it or nothing.
 */
export async function tick(
  engine: Engine,
  row: RecurringRow,
  definitions: RecurringDefinitions,
): Promise<void> {
  const { clock, database } = engine
  const now = clock.now()
  const schedule = readSchedule(row.schedule, row.time_zone)
  const ticks = dueTicks(schedule, missedOf(row.missed), row.ticked_until, now)
  const definition = engine.definitions.get(row.job)!
  const prepared: Prepared[] = []
  for (const at of ticks) prepared.push(await prepare(engine, row, definition, at, definitions))
  await database.write((tx) => writeTicks(tx, engine, row, prepared, now, schedule.next(now) ?? null), {
    label: 'handcar.jobs.tick',
    // What a power cut takes back it takes back whole: the tick is then still to come.
    durability: 'os',
  })
}

/** What the job of a tick gets. */
export function payloadOf(row: RecurringRow, definitions: RecurringDefinitions, at: Date): unknown {
  if (row.payload !== null) return JSON.parse(row.payload) as unknown
  const payload = definitions.get(row.name)?.settings.payload
  return typeof payload === 'function' ? (payload({ name: row.name, at }) as unknown) : payload
}

/** How the job of a tick is enqueued, where its recurring job says it. */
export function optionsOf({ queue, priority }: RecurringRow): EnqueueOptions {
  return { ...(queue !== null && { queue }), ...(priority !== null && { priority }) }
}

async function prepare(
  { enqueuer, logger }: Engine,
  row: RecurringRow,
  definition: AnyJobDefinition,
  at: number,
  definitions: RecurringDefinitions,
): Promise<Prepared> {
  try {
    const delay = row.jitter === 0 ? 0 : Math.floor(Math.random() * (row.jitter + 1))
    const payload = payloadOf(row, definitions, new Date(at))
    const options = { ...optionsOf(row), at: at + delay }
    return { at, row: await enqueuer.prepare(definition, payload, options) }
  } catch (error) {
    logger.error({ recurring: row.name, tick: new Date(at), error: String(error) }, 'a tick makes no job')
    return { at, row: undefined, reason: String(error) }
  }
}

function writeTicks(
  tx: Transaction,
  engine: Engine,
  seen: RecurringRow,
  prepared: readonly Prepared[],
  now: number,
  nextAt: number | null,
): void {
  const row = tx.get<RecurringRow>(selectRecurring, [seen.name])
  if (row === undefined || !isUnchanged(row, seen)) return
  let { last_at: lastAt, last_job_id: lastJob } = row
  for (const tick of prepared) {
    const { at } = tick
    // The clock was set back, and shows a time for the second time.
    if (tx.get(selectTick, [row.name, at]) !== undefined) continue
    let job: number | null = null
    let reason: string | null = null
    if (tick.row === undefined) reason = tick.reason
    else if (row.overlap === 'skip' && isUnfinished(tx, lastJob)) reason = 'overlap'
    else job = insertJob(tx, engine, tick.row)
    tx.run(insertTick, [row.name, at, job, reason])
    lastAt = at
    lastJob = job ?? lastJob
    if (tickEvent.hasSubscribers) tickEvent.publish({ name: row.name, at, job, reason })
  }
  tx.run(setTicked, [now, nextAt, lastAt, lastJob, row.name])
}

/** Whether nobody has ticked, edited, paused or removed it since it was read. */
function isUnchanged(row: RecurringRow, seen: RecurringRow): boolean {
  return (Object.keys(seen) as (keyof RecurringRow)[]).every(
    (key) => key === 'last_job_id' || row[key] === seen[key],
  )
}

function isUnfinished(tx: Transaction, job: number | null): boolean {
  return job !== null && tx.get(selectUnfinishedJob, [job]) !== undefined
}

function insertJob(tx: Transaction, { enqueuer }: Engine, row: JobRow): number {
  return enqueuer.insert(tx, row).id
}
