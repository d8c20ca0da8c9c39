import { setTimeout as sleep } from 'node:timers/promises'
import type { Duty, Performed } from '../processes/jobs-process.ts'
import type { Entrant } from './contestants.ts'

/** How a backlog is drained. */
export interface DrainPlan {
  readonly jobs: number
  readonly processes: number
  readonly duty: Duty
}

const patienceMs = 120_000
const lookMs = 5

/**
 * Fills an empty store, lets processes perform everything, and returns how long that took: from the start of the first handler
 * until nothing in the store is unfinished. Throws unless each job was performed exactly once.
 *
 * What comes before the first handler is not counted: connecting, and the pause of those who poll.
 */
export async function drain(
  { processes: all, place }: Entrant,
  { jobs, processes, duty }: DrainPlan,
): Promise<{ seconds: number }> {
  const workers = all.slice(0, processes)
  const [first] = workers
  await first!.call('clear', place)
  for (const worker of workers) await worker.call('open', place)
  await first!.call('fill', { count: jobs })
  await Promise.all(workers.map((worker) => worker.call('work', duty)))
  const deadline = performance.now() + patienceMs
  for (;;) {
    const counts = await Promise.all(workers.map((worker) => worker.call('performed', undefined)))
    if (counts.reduce((sum, count) => sum + count, 0) >= jobs) break
    if (performance.now() > deadline)
      throw new Error(`${counts.join(' and ')} of ${jobs} jobs were performed within ${patienceMs} ms`)
    await sleep(lookMs)
  }
  const settledAt = await first!.call('settled', undefined)
  const tallies = await Promise.all(workers.map((worker) => worker.call('tally', undefined)))
  for (const worker of workers) await worker.call('close', undefined)
  checkOnce(tallies, jobs)
  const endedAt = Math.max(settledAt, ...tallies.map(({ lastAt }) => lastAt))
  return { seconds: (endedAt - Math.min(...tallies.map(({ firstAt }) => firstAt))) / 1000 }
}

/** Throws unless each of the jobs was performed by one of the processes, once. */
export function checkOnce(tallies: readonly Performed[], jobs: number): void {
  const longest = Math.max(...tallies.map(({ times }) => times.length))
  if (longest > jobs) throw new Error(`Job ${longest - 1} was performed, and never enqueued`)
  for (let number = 0; number < jobs; number++) {
    const count = tallies.reduce((sum, { times }) => sum + (times[number] ?? 0), 0)
    if (count !== 1) throw new Error(`Job ${number} was performed ${count} times`)
  }
}
