import { Client } from 'pg'
import { PgBoss } from 'pg-boss'
import { postgresSettings } from './postgres-settings.ts'
import { queueName } from './queue.ts'
import type { Payload, Place, Queue, QueueMaker, WorkPlan } from './queue.ts'

const largestBatch = 500
// Its shortest.
const polling = { pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 }
const inBatches = (slots: number) => ({
  batchSize: Math.min(slots, largestBatch),
  burstWhenBatchFull: true,
  ...polling,
})

/** pg-boss: batches and bursts for throughput, LISTEN/NOTIFY for latency, as its documentation says. */
export const pgBoss: QueueMaker = {
  async clear(place) {
    const boss = start(place)
    await boss.start()
    await boss.createQueue(queueName, { notify: true })
    await boss.stop({ graceful: false, close: true })
    const client = new Client(postgresSettings(place))
    await client.connect()
    await client.query('truncate pgboss.job')
    await client.end()
  },
  async open(place) {
    const boss = start(place)
    await boss.start()
    return new PgBossQueue(boss)
  },
}

function start(place: Place): PgBoss {
  const boss = new PgBoss({ ...postgresSettings(place), useListenNotify: true })
  boss.on('error', (error) => console.error('pg-boss:', error))
  return boss
}

class PgBossQueue implements Queue {
  readonly #boss: PgBoss

  constructor(boss: PgBoss) {
    this.#boss = boss
  }

  enqueue(payload: Payload): unknown {
    return this.#boss.send(queueName, payload)
  }

  enqueueAll(payloads: readonly Payload[]): unknown {
    return this.#boss.insert(
      queueName,
      payloads.map((data) => ({ data })),
    )
  }

  async work({ slots, tunedFor, perform }: WorkPlan): Promise<void> {
    const options = tunedFor === 'throughput' ? inBatches(slots) : { localConcurrency: slots }
    await this.#boss.work<Payload>(queueName, options, async (jobs) => {
      await Promise.all(jobs.map(({ data }) => perform(data)))
    })
  }

  async unfinished(): Promise<number> {
    const text = "select count(*)::int as count from pgboss.job where name = $1 and state <> 'completed'"
    const { rows } = await this.#boss.getDb().executeSql(text, [queueName])
    return (rows as { count: number }[])[0]!.count
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: true })
  }
}
