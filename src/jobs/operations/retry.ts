import { option, readOptions, type Duration } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { reopen } from '../batches/reopen.ts'
import { FairTurns } from '../enqueue/fair-turns.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import { setTurn } from '../sql.ts'
import { timeAfter } from '../time.ts'
import { forgetForRetry } from '../steps/forget.ts'
import { describeAct, type Action } from './action.ts'
import { retryJobs } from './sql.ts'

/** Options of `jobs.retry`. */
export interface RetryOptions {
  /** Runs so many jobs per time, so that many do not run all at once: `{ count: 100, per: '1s' }`. Default: all now. */
  count?: number
  per?: Duration
  /** Who does it, for the logs of the jobs. */
  by?: string
}

interface RunnableRow {
  id: number
  name: string
  state: string
  queue: string
  priority: number
  fair_key: string | null
  batch_id: number | null
}

/** Runs jobs again that have ended or wait for their next attempt. */
export function retryAction({ clock }: Engine, options: RetryOptions | undefined): Action {
  const { count, per, by } = readOptions('retry', options, {
    count: option.optional(option.integer(1, { min: 1, max: 1_000_000 })),
    per: option.optional(option.duration(0)),
    by: option.optional(option.text()),
  })
  if ((count === undefined) !== (per === undefined))
    throw option.invalidOption(
      'retry options',
      "both of count and per, as in { count: 100, per: '1s' }",
      options,
    )
  const interval = count === undefined ? 0 : per! / count
  const startedAt = clock.now()
  let place = 0
  return {
    name: 'retry',
    note: describeAct('retried', by),
    apply(tx, ids, states) {
      const jobs = ids.map((id) => {
        const delay = Math.floor(place++ * interval)
        return delay === 0 ? [id, null] : [id, timeAfter(startedAt, delay)]
      })
      forgetForRetry(tx, ids, states)
      const changed = tx.all<RunnableRow>(retryJobs, {
        jobs: JSON.stringify(jobs),
        states: JSON.stringify(states),
      })
      makeRunnable(tx, changed)
      const retried = changed.map(({ id }) => id)
      if (retried.length > 0) reopen(tx, retried)
      return retried
    },
  }
}

/** Gives jobs that have become available their turns, and wakes the workers. */
export function makeRunnable(tx: Transaction, jobs: readonly RunnableRow[]): void {
  if (jobs.length === 0) return
  const turns = new FairTurns(tx)
  for (const job of jobs) {
    if (job.fair_key === null || job.state !== 'available') continue
    const fair = { ...job, turn: 0 }
    turns.give(fair)
    tx.run(setTurn, [fair.turn, fair.id])
  }
  tx.touch(jobsTopic)
}
