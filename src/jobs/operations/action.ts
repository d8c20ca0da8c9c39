import type { Transaction } from '../../database/index.ts'
import type { JobState } from '../enqueue/job-handle.ts'
import type { Engine } from '../engine.ts'
import { SliceSize } from '../slice-size.ts'
import { readFilter, type JobFilter, type ResolvedFilter } from './filter.ts'
import { Search } from './search.ts'
import { logJobs } from './sql.ts'

/** How many jobs one write changes at most. */
const mostOfOneWrite = 500

/** What is done with jobs, many at a time. */
export interface Action {
  readonly name: JobAction
  /** What is written into the log of each job; `undefined` for jobs that are gone then. */
  readonly note: string | undefined
  /** Changes jobs inside a transaction; returns the ids of those that were still in one of the states. */
  apply(tx: Transaction, ids: readonly number[], states: readonly JobState[]): readonly number[]
}

/** What can be done with jobs that a filter names. */
export type JobAction = 'retry' | 'discard' | 'cancel' | 'reschedule' | 'delete'

/** The states whose jobs an action is for. What has completed runs again only when the filter asks for that state. */
const statesOf: Readonly<Record<JobAction, readonly JobState[]>> = {
  retry: ['retryable', 'cancelled', 'discarded'],
  discard: ['available', 'scheduled', 'retryable'],
  cancel: ['available', 'scheduled', 'retryable', 'running'],
  reschedule: ['available', 'scheduled', 'retryable'],
  delete: ['completed', 'cancelled', 'discarded'],
}

/** The states in which an action meets the jobs of a filter. */
export function statesFor(action: JobAction, { states }: ResolvedFilter): readonly JobState[] {
  const possible: readonly JobState[] =
    action === 'retry' && states?.includes('completed') ? [...statesOf.retry, 'completed'] : statesOf[action]
  return states === undefined ? possible : possible.filter((state) => states.includes(state))
}

/**
 * Does something with all jobs of a filter, the oldest first, in many short writes; inside a transaction all of it is part of that.
 * After a crash in between, the jobs that were not reached are as they were: do it again.
 *
 * @returns how many jobs were changed
 */
export async function act(engine: Engine, given: number | JobFilter, action: Action): Promise<number> {
  const filter = readFilter(action.name, given)
  const states = statesFor(action.name, filter)
  if (states.length === 0) return 0
  const { database } = engine
  const ids: number[] = []
  for await (const rows of new Search(database, filter).find<{ id: number }>('ids', states))
    for (const { id } of rows) ids.push(id)
  ids.reverse()
  let changed = 0
  const size = new SliceSize(mostOfOneWrite)
  for (let from = 0; from < ids.length;) {
    const some = ids.slice(from, from + size.rows)
    const body = (tx: Transaction): number => {
      const startedAt = performance.now()
      const count = applyTo(tx, engine, action, some, states)
      size.adapt(performance.now() - startedAt)
      return count
    }
    changed += await database.write(body, { label: `handcar.jobs.${action.name}` })
    from += some.length
  }
  return changed
}

function applyTo(
  tx: Transaction,
  { clock }: Engine,
  action: Action,
  ids: readonly number[],
  states: readonly JobState[],
): number {
  const changed = action.apply(tx, ids, states)
  if (changed.length > 0 && action.note !== undefined) note(tx, changed, clock.now(), action.note)
  return changed.length
}

/** Writes a line into the logs of jobs. */
export function note(tx: Transaction, ids: readonly number[], now: number, text: string): void {
  tx.run(logJobs, { ids: JSON.stringify(ids), now, text })
}

/** What a line of a log says: what was done, and by whom where that is known. */
export function describeAct(what: string, by: string | undefined): string {
  return by === undefined ? what : `${what}, by ${by}`
}
