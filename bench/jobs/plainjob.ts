import { rm } from 'node:fs/promises'
import { better, defineQueue, defineWorker, JobStatus } from 'plainjob'
import type { Connection, Queue as PlainQueue, Worker } from 'plainjob'
import { openRaw } from '../harness/sqlite.ts'
import { queueName } from './queue.ts'
import type { Payload, Queue, QueueMaker, WorkPlan } from './queue.ts'

const silent = { error: console.error, warn: console.error, info: () => undefined, debug: () => undefined }
// Its shortest sensible pause; the default of a second would be its latency.
const shortPause = 10

/** plainjob on better-sqlite3. It sets WAL, `synchronous = normal` and a busy timeout of 5 s itself. */
export const plainjob: QueueMaker = {
  async clear({ path }) {
    for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
  },
  async open({ path }) {
    const connection: Connection = better(openRaw(path))
    return new PlainjobQueue(defineQueue({ connection, logger: silent }))
  },
}

/** A worker of plainjob performs one job at a time, so that slots are workers. */
class PlainjobQueue implements Queue {
  readonly #queue: PlainQueue
  #workers: Worker[] = []

  constructor(queue: PlainQueue) {
    this.#queue = queue
  }

  enqueue(payload: Payload): unknown {
    return this.#queue.add(queueName, payload)
  }

  enqueueAll(payloads: readonly Payload[]): unknown {
    return this.#queue.addMany(queueName, [...payloads])
  }

  async work({ slots, tunedFor, perform }: WorkPlan): Promise<void> {
    this.#workers = Array.from({ length: slots }, () =>
      defineWorker(queueName, ({ data }) => perform(JSON.parse(data) as Payload), {
        queue: this.#queue,
        logger: silent,
        ...(tunedFor !== 'rest' && { pollIntervall: shortPause }),
      }),
    )
    for (const worker of this.#workers) void worker.start()
  }

  async unfinished(): Promise<number> {
    return this.#queue.countJobs() - this.#queue.countJobs({ status: JobStatus.Done })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()))
    this.#queue.close()
  }
}
