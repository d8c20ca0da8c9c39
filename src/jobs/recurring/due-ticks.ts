import type { Missed } from './recurring-settings.ts'
import type { Schedule } from './schedule.ts'

/** A tick that comes up to so long after its time was not missed, in milliseconds: a restart or a busy moment lay between. */
const grace = 60_000

/**
 * Which ticks of a time that has passed make jobs, the earliest first.
 *
 * @param after Every tick up to here has been dealt with.
 */
export function dueTicks(schedule: Schedule, missed: Missed, after: number, now: number): number[] {
  const most = typeof missed === 'object' ? missed.all : 1
  const ticks = schedule.last(most, after + 1, now)
  return missed === 'skip' ? ticks.filter((tick) => now - tick <= grace) : ticks
}
