import type { Transaction } from '../../database/index.ts'
import type { ClaimedRow } from '../perform/running-job.ts'
import { claimJobOfPriority, selectPriorities } from '../sql.ts'

/** How often a queue is looked through for jobs that have waited for long, in milliseconds. */
const interval = 100
/** Of how many queues it is remembered when that was. */
const mostQueues = 1_000

/**
 * Keeps priorities from starving one another: for each step of time that the first job of a priority has waited, it counts as one
 * step of priority smaller. When that puts another priority first, one job of that is claimed before the others, at most ten
 * times a second for each queue.
 */
export class Ageing {
  readonly #step: number
  readonly #lookedAt = new Map<string, number>()

  constructor(step: number) {
    this.#step = step
  }

  /** Claims the job whose turn has come by its age, if there is one. */
  claim(tx: Transaction, worker: number, queue: string, now: number): ClaimedRow[] {
    if (this.#step === 0 || Math.abs(now - (this.#lookedAt.get(queue) ?? 0)) < interval) return []
    if (this.#lookedAt.size >= mostQueues) this.#lookedAt.clear()
    this.#lookedAt.set(queue, now)
    const priorities = tx.all<{ priority: number; since: number }>(selectPriorities, { queue })
    if (priorities.length < 2) return []
    const aged = ({ priority, since }: { priority: number; since: number }) =>
      priority - Math.floor((now - since) / this.#step)
    const first = priorities.reduce((best, each) => (aged(each) < aged(best) ? each : best))
    if (first === priorities[0]) return []
    return tx.all<ClaimedRow>(claimJobOfPriority, [now, worker, queue, first.priority])
  }
}
