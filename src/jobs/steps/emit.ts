import { option, readOptions, type Duration } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { encode } from '../definition/payload.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import { timeAfter } from '../time.ts'
import {
  deleteExpiredEvents,
  endWait,
  insertEvent,
  selectUndeliveredOfName,
  selectWaiting,
  setDelivering,
  wakeJob,
} from './sql.ts'

/** The topic of events that have not been delivered to all jobs that wait for them. */
export const eventsTopic = 'handcar.jobs.events'
/** How many bytes of payload, and how many jobs, one write delivers at most. */
const mostBytes = 2_000_000
const mostJobs = 500
/** How many expired events an emit clears away. */
const mostExpired = 20

/** Options of `jobs.emit`. */
export interface EmitOptions {
  /** How long the event stays for jobs that are enqueued already and have not come to their wait yet. Default: `'7d'`. */
  keep?: Duration
}

/** An event that is being delivered. */
export interface EmittedEvent {
  readonly id: number
  readonly event: string
  readonly after_job: number
  readonly payload: string
}

/**
 * Emits an event: it is stored, and every job that waits for it gets it and is woken, in one write. Where very many wait, the rest
 * follow in further writes (`deliveries.ts`).
 */
export function emit(
  engine: Engine,
  event: string,
  payload: unknown,
  options: EmitOptions | undefined,
): Promise<void> {
  if (typeof event !== 'string' || event === '')
    throw option.invalidOption('Name of an event', 'a string that is not empty', event)
  const { keep } = readOptions('jobs.emit', options, { keep: option.duration(7 * 24 * 3_600_000) })
  const text = encode(payload, `payload of event "${event}"`, engine.maxPayload)
  const { clock, database } = engine
  return database.write(
    (tx) => {
      const now = clock.now()
      tx.run(deleteExpiredEvents, [now, mostExpired])
      // An earlier event of this name comes first everywhere.
      const mustWait = tx.get(selectUndeliveredOfName, [event]) !== undefined
      const row = tx.get<EmittedEvent>(insertEvent, [
        event,
        now,
        timeAfter(now, keep),
        mustWait ? 1 : 0,
        text,
      ])!
      if (!mustWait && deliver(tx, row, now)) tx.run(setDelivering, [1, row.id])
      tx.touch(eventsTopic)
    },
    { label: 'handcar.jobs.emit' },
  )
}

/** Gives an event to jobs that wait for it, and wakes them. Returns whether there may be more of them. */
export function deliver(
  tx: Transaction,
  { id, event, after_job, payload }: EmittedEvent,
  now: number,
): boolean {
  const limit = Math.max(1, Math.min(mostJobs, Math.floor(mostBytes / payload.length)))
  const waiting = tx.all<{ job_id: number; name: string }>(selectWaiting, { event, after_job, id, limit })
  for (const { job_id: job, name } of waiting) {
    tx.run(endWait, [payload, id, now, job, name])
    tx.run(wakeJob, { now, id: job })
  }
  if (waiting.length > 0) tx.touch(jobsTopic)
  return waiting.length === limit
}
