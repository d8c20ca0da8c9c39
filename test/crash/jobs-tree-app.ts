import type { Handcar } from 'handcar'
import { defineJob, defineRecurring, type JobContext } from 'handcar/jobs'

/**
 * The app of the crash test of the whole tree: its jobs write down when they ran, and what they did, which must have happened
 * exactly once. Times are microseconds of a clock that all processes of the machine share.
 */

/** Now, by a clock that only goes on. */
export const micros = (): number => Number(process.hrtime.bigint() / 1_000n)

const common = { maxAttempts: 1_000, maxCrashes: 1_000, backoff: { first: 5, jitter: 0, longest: 20 } }

/** How many jobs of a key, and of the queue `mail`, may run at once. */
export const limits = { key: 2, mail: 3 }

/** Does what a job does, and notes from when to when it ran. */
async function noted(job: JobContext, key: string | null, work: () => Promise<unknown>): Promise<void> {
  const { claims, queue } = job.running.row
  const begun = micros()
  await job.database.run('insert into runs (job, claim, queue, key, pid, begun) values (?, ?, ?, ?, ?, ?)', [
    job.id,
    claims,
    queue,
    key,
    process.pid,
    begun,
  ])
  await work()
  await job.complete((tx) => {
    tx.run('insert into effects (job) values (?)', [job.id])
    tx.run('update runs set ended = ? where job = ? and claim = ?', [micros(), job.id, claims])
  })
}

const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * 8))

export const effect = defineJob({
  name: 'effect',
  ...common,
  limit: { key: ({ key }: { key: string }) => key, count: limits.key },
  perform: ({ key }, job) => noted(job, key, aWhile),
})

export const mail = defineJob({
  name: 'mail',
  ...common,
  queue: 'mail',
  perform: (_: undefined, job) => noted(job, null, aWhile),
})

export const stepped = defineJob({
  name: 'stepped',
  ...common,
  perform: (_: undefined, job) =>
    noted(job, null, async () => {
      for (const name of ['first', 'second']) {
        await job.write(name, (tx) => {
          tx.run('insert into steps (job, name) values (?, ?)', [job.id, name])
        })
        await job.step(`${name} pause`, aWhile)
      }
    }),
})

/** The callback of a batch. */
export const closed = defineJob({
  name: 'closed',
  ...common,
  perform: (_: undefined, job) =>
    noted(job, null, () =>
      job.database.run('insert into closings (batch, job) values (?, ?)', [job.batch!.id, job.id]),
    ),
})

export const tick = defineJob({
  name: 'tick',
  ...common,
  perform: (_: undefined, job) => noted(job, null, aWhile),
})

export const everySecond = defineRecurring({
  name: 'every-second',
  job: tick,
  every: '1s',
  missed: { all: 1_000 },
})

/** Answers each request with the ids of the jobs that it has enqueued, in one transaction with a row of its own. */
export default (handcar: Handcar) => ({
  async fetch(): Promise<Response> {
    const { database, jobs } = handcar
    const ids = await database.write(async (tx) => {
      tx.run('insert into orders default values')
      const keys = Array.from({ length: 12 }, (_, n) => ({ key: `key ${n % 3}` }))
      const handles = [
        ...(await jobs.enqueueAll(effect, keys)),
        ...(await jobs.enqueueAll(mail, [undefined, undefined, undefined, undefined])),
        await jobs.enqueue(stepped),
      ]
      return handles.map(({ id }) => id)
    })
    await jobs.batch({ onFinish: closed }, (batch) => {
      batch.enqueueAll(effect, [{ key: 'batch' }, { key: 'batch' }, { key: 'batch' }])
    })
    return Response.json(ids)
  },
})
