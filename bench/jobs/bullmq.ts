import { Queue as BullQueue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { queueName } from './queue.ts'
import type { Payload, Place, Queue, QueueMaker, WorkPlan } from './queue.ts'

const kept = { removeOnComplete: { count: 1000 }, removeOnFail: { count: 5000 } }

/** BullMQ, as "Going to production" and "Concurrency" of its guide say. */
export const bullmq: QueueMaker = {
  async clear({ redis }) {
    const client = new Redis({ ...redis! })
    await client.flushall()
    client.disconnect()
  },
  async open(place) {
    const queue = new BullQueue<Payload>(queueName, { connection: { ...place.redis! } })
    await queue.waitUntilReady()
    return new BullMqQueue(place, queue)
  },
}

class BullMqQueue implements Queue {
  readonly #place: Place
  readonly #queue: BullQueue<Payload>
  #worker: Worker<Payload> | undefined

  constructor(place: Place, queue: BullQueue<Payload>) {
    this.#place = place
    this.#queue = queue
  }

  enqueue(payload: Payload): unknown {
    return this.#queue.add('digest', payload)
  }

  enqueueAll(payloads: readonly Payload[]): unknown {
    return this.#queue.addBulk(payloads.map((data) => ({ name: 'digest', data })))
  }

  async work({ slots, perform }: WorkPlan): Promise<void> {
    this.#worker = new Worker<Payload>(queueName, ({ data }) => perform(data), {
      connection: { ...this.#place.redis!, maxRetriesPerRequest: null },
      concurrency: slots,
      ...kept,
    })
    this.#worker.on('error', (error) => console.error('BullMQ:', error))
    await this.#worker.waitUntilReady()
  }

  async unfinished(): Promise<number> {
    const counts = await this.#queue.getJobCounts('wait', 'active', 'delayed', 'prioritized', 'failed')
    return Object.values(counts).reduce((sum, count) => sum + count, 0)
  }

  async close(): Promise<void> {
    await this.#worker?.close()
    await this.#queue.close()
  }
}
