import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../test/helpers/jobs.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { defineJob, Jobs } from './index.ts'

for (const readers of [false, { processes: 1 }] as const) {
  test(`stats() counts where the jobs stand (readers: ${JSON.stringify(readers)})`, async () => {
    await using database = await temporaryDatabase({ partMigrations: { jobs: Jobs.migrations }, readers })
    const goOn = Promise.withResolvers<void>()
    const job = defineJob({ name: 'job', limit: { count: 1 }, perform: () => goOn.promise })
    const other = defineJob({
      name: 'other',
      maxAttempts: 1,
      perform: (fails: boolean) => (fails ? Promise.reject(new Error('no')) : 1),
    })
    const unknown = defineJob({ name: 'unknown', perform() {} })
    await using producer = await jobsForTest([job, other, unknown], { database, work: false })
    await using context = await jobsForTest([job, other], {
      database,
      work: { slots: 5, queues: ['default'] },
    })
    await producer.jobs.enqueueAll(job, [undefined, undefined, undefined])
    await producer.jobs.enqueue(unknown)
    await producer.jobs.enqueue(other, true)
    await producer.jobs.enqueue(other, false)
    await producer.jobs.enqueue(other, false, { in: '1h' })
    await producer.jobs.enqueueAll(other, [false, false], { queue: 'later' })
    await producer.jobs.pause('asleep')
    await waitUntil('all is settled', async () => (await context.jobs.stats()).finished === 2)
    const { queues, here, ...rest } = await context.jobs.stats()
    assert.deepEqual(rest, {
      blocked: 2,
      parked: 1,
      paused: 0,
      pausedNames: [],
      scheduled: 1,
      running: 1,
      finished: 2,
      discarded: 1,
    })
    assert.deepEqual(here, { slots: 5, running: 1, completed: 1, failed: 1 })
    assert.deepEqual(
      queues.map(({ name, waiting, paused }) => [name, waiting, paused]),
      [
        ['later', 2, false],
        ['asleep', 0, true],
      ],
    )
    assert.equal((await producer.jobs.stats()).here, undefined)
    goOn.resolve()
  })
}
