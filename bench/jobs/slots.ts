import type { System } from './queue.ts'

/** How many no-op jobs each performs at once where that is best for its throughput. */
export const slotsForNothing: Readonly<Record<System, number>> = {
  handcar: 100,
  BullMQ: 100,
  'pg-boss': 500,
  'graphile-worker': 24,
  plainjob: 1,
}
