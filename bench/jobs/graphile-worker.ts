import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker'
import type { Runner, TaskList, WorkerUtils } from 'graphile-worker'
import { Pool } from 'pg'
import { postgresSettings } from './postgres-settings.ts'
import { queueName } from './queue.ts'
import type { Payload, Place, Queue, QueueMaker, WorkPlan } from './queue.ts'

const logger = new Logger(() => () => undefined)
// The settings of https://worker.graphile.org/docs/performance.
const connections = 25
const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }

/** graphile-worker, with the settings of its page about performance. */
export const graphileWorker: QueueMaker = {
  async clear(place) {
    const pgPool = poolOf(place)
    await runMigrations({ pgPool, logger })
    await pgPool.query('truncate graphile_worker._private_jobs')
    await pgPool.end()
  },
  async open(place) {
    const pgPool = poolOf(place)
    return new GraphileQueue(pgPool, await makeWorkerUtils({ pgPool, logger }))
  },
}

function poolOf(place: Place): Pool {
  const pool = new Pool({ ...postgresSettings(place), max: connections })
  const complain = (error: Error): void => console.error('graphile-worker:', error)
  // It insists on both.
  pool.on('error', complain)
  pool.on('connect', (client) => client.on('error', complain))
  return pool
}

class GraphileQueue implements Queue {
  readonly #pool: Pool
  readonly #utils: WorkerUtils
  #runner: Runner | undefined

  constructor(pool: Pool, utils: WorkerUtils) {
    this.#pool = pool
    this.#utils = utils
  }

  enqueue(payload: Payload): unknown {
    return this.#utils.addJob(queueName, payload)
  }

  enqueueAll(payloads: readonly Payload[]): unknown {
    return this.#utils.addJobs(payloads.map((payload) => ({ identifier: queueName, payload })))
  }

  async work({ slots, tunedFor, perform }: WorkPlan): Promise<void> {
    const taskList: TaskList = { [queueName]: (payload) => perform(payload as Payload) }
    this.#runner = await run({
      pgPool: this.#pool,
      logger,
      taskList,
      parsedCronItems: [],
      noHandleSignals: true,
      preset: { worker: { concurrentJobs: slots, ...(tunedFor === 'throughput' && batching) } },
    })
  }

  async unfinished(): Promise<number> {
    const text = 'select count(*)::int as count from graphile_worker._private_jobs'
    const { rows } = await this.#pool.query<{ count: number }>(text)
    return rows[0]!.count
  }

  async close(): Promise<void> {
    await this.#runner?.stop()
    await this.#utils.release()
    await this.#pool.end()
  }
}
