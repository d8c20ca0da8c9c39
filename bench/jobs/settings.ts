import type { Contestant } from './contestants.ts'
import type { System } from './queue.ts'

/** What a system is used for. */
export type Use = 'enqueue' | 'throughput' | 'latency' | 'rest'

const texts: Record<System, Record<Use, string>> = {
  handcar: {
    enqueue: 'enqueue and enqueueAll of a Jobs at its defaults',
    throughput:
      'slots as below; claims and finishes are written with durability os in both, because what a power cut takes of them only makes a job run again',
    latency: '10 slots',
    rest: '10 slots',
  },
  BullMQ: {
    enqueue: 'add and addBulk',
    throughput: 'concurrency as below, removeOnComplete { count: 1000 } as its guide advises',
    latency: 'concurrency 10',
    rest: 'concurrency 10',
  },
  'pg-boss': {
    enqueue: 'send, and insert for many (its raw, high-volume call)',
    throughput: 'batchSize up to 500, burstWhenBatchFull, polling every 500 ms (its shortest)',
    latency: 'LISTEN/NOTIFY on, localConcurrency 10',
    rest: 'LISTEN/NOTIFY on, localConcurrency 10',
  },
  'graphile-worker': {
    enqueue: 'addJob, and the batch call addJobs for many; 25 connections',
    throughput:
      'the settings of its page about performance: concurrentJobs 24, 25 connections, localQueue 500, completeJobBatchDelay 0',
    latency: 'concurrentJobs 10, 25 connections, LISTEN/NOTIFY, no local queue',
    rest: 'concurrentJobs 10',
  },
  plainjob: {
    enqueue: 'add and addMany; WAL and synchronous = normal, set by itself; its calls block the process',
    throughput: 'one worker per process: each performs one job at a time',
    latency: '10 workers, pollIntervall 10 ms (default: 1 s)',
    rest: '10 workers, each of which looks every second, its default',
  },
}

/** How each system that takes part is set, as notes. */
export function settings(entrants: readonly Pick<Contestant, 'system'>[], use: Use): string[] {
  const systems = [...new Set(entrants.map(({ system }) => system))]
  return systems.map((system) => `${system}: ${texts[system][use]}`)
}
