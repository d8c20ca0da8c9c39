import { rm } from 'node:fs/promises'
import { Database } from 'handcar/database'
import { defineJob, Jobs } from 'handcar/jobs'
import type { JobDefinition } from 'handcar/jobs'
import { scalar, openRaw } from '../harness/sqlite.ts'
import { queueName } from './queue.ts'
import type { Payload, Place, Queue, QueueMaker, WorkPlan } from './queue.ts'

/** handcar: `Jobs` on a `Database`, both at their defaults but for slots and durability. */
export const handcar: QueueMaker = {
  async clear({ path }) {
    for (const suffix of ['', '-wal', '-shm', '.wake']) await rm(`${path}${suffix}`, { force: true })
  },
  async open(place) {
    const database = new Database({
      path: place.path,
      durability: place.survives === 'power cut' ? 'disk' : 'os',
      partMigrations: { jobs: Jobs.migrations },
    })
    await database.start()
    return await HandcarQueue.on(database, place)
  },
}

class HandcarQueue implements Queue {
  readonly #database: Database
  readonly #place: Place
  readonly #definition: JobDefinition<Payload, void>
  #plan: WorkPlan | undefined
  #jobs: Jobs

  private constructor(database: Database, place: Place) {
    this.#database = database
    this.#place = place
    this.#definition = defineJob({
      name: 'digest',
      queue: queueName,
      perform: (payload: Payload) => this.#plan!.perform(payload),
    })
    this.#jobs = new Jobs({ database, definitions: [this.#definition] })
  }

  static async on(database: Database, place: Place): Promise<HandcarQueue> {
    const queue = new HandcarQueue(database, place)
    await queue.#jobs.start()
    return queue
  }

  enqueue(payload: Payload): unknown {
    return this.#jobs.enqueue(this.#definition, payload)
  }

  enqueueAll(payloads: readonly Payload[]): unknown {
    return this.#jobs.enqueueAll(this.#definition, payloads)
  }

  async work(plan: WorkPlan): Promise<void> {
    this.#plan = plan
    await this.#jobs.stop()
    this.#jobs = new Jobs({
      database: this.#database,
      definitions: [this.#definition],
      work: { slots: plan.slots },
    })
    await this.#jobs.start()
  }

  async unfinished(): Promise<number> {
    const reader = openRaw(this.#place.path)
    try {
      return Number(scalar(reader, "select count(*) from handcar_jobs where state <> 'completed'"))
    } finally {
      reader.close()
    }
  }

  async close(): Promise<void> {
    await this.#jobs.stop()
    await this.#database.stop()
  }
}
