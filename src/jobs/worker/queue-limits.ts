import { option, readOptions } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import { countRunningOfQueue } from '../sql.ts'

/** What is to be said about queues, by their names. */
export type QueueSettings = Readonly<Record<string, { limit?: number }>>

/**
 * How many jobs of a queue may run at once, over all processes. They are counted over the rows that run, in the transaction of the
 * claim, so that nothing can leak when a process dies.
 */
export class QueueLimits {
  readonly #limits = new Map<string, number>()

  constructor(settings: QueueSettings) {
    for (const [name, { limit }] of Object.entries(settings)) {
      if (limit !== undefined) this.#limits.set(name, limit)
    }
  }

  /** Whether a queue has one. */
  has(queue: string): boolean {
    return this.#limits.has(queue)
  }

  /** How many more jobs of a queue may run now. */
  placesOf(queue: string, reader: Pick<Transaction | Database, 'get'>): number {
    const limit = this.#limits.get(queue)
    if (limit === undefined) return Infinity
    return Math.max(0, limit - reader.get<{ running: number }>(countRunningOfQueue, [queue])!.running)
  }
}

/** Reads the option `queues` of Jobs. */
export function readQueueSettings(value: unknown, name: string): QueueSettings {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw option.invalidOption(name, 'an object such as { mail: { limit: 5 } }', value)
  const queues = Object.entries(value).map(([queue, settings]): [string, { limit?: number }] => {
    const { limit } = readOptions(`${name} of queue "${queue}"`, settings, {
      limit: option.optional(option.integer(1, { min: 1, max: 1_000_000 })),
    })
    return [queue, limit === undefined ? {} : { limit }]
  })
  return Object.fromEntries(queues)
}
