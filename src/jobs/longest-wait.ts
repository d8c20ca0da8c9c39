import type { Engine } from './engine.ts'
import type { Pause } from './operations/pauses.ts'
import { selectPauses, selectPriorities, selectQueues } from './sql.ts'

/** The job that has waited longest of those that could run and are the next of their queue and priority. */
export interface LongestWait {
  queue: string
  /** For how long it could have run, in milliseconds. */
  duration: number
}

/**
 * Looks at the jobs that come next: one look into the index for each queue and priority, however many wait behind them. Paused queues
 * do not count.
 */
export function findLongestWait({ database, clock }: Engine): LongestWait | undefined {
  const pauses = database.all<Pause>(selectPauses).filter(({ kind }) => kind === 'queue')
  const paused = new Set(pauses.map(({ name }) => name))
  let longest: LongestWait | undefined
  const now = clock.now()
  for (const { name: queue } of database.all<{ name: string }>(selectQueues)) {
    if (paused.has(queue)) continue
    for (const { since } of database.all<{ since: number }>(selectPriorities, { queue })) {
      const duration = Math.max(0, now - since)
      if (longest === undefined || duration > longest.duration) longest = { queue, duration }
    }
  }
  return longest
}
