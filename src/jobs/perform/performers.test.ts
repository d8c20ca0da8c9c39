import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob, type WorkOptions } from '../index.ts'

const file = new URL('../../../test/helpers/heavy-job.ts', import.meta.url)

for (const runsIn of ['thread', 'process'] as const) {
  const heavy = defineJob<{ what: string }, { isMainThread: boolean; pid: number }>({
    name: 'heavy',
    runsIn,
    file,
    maxCrashes: 2,
    backoff: { first: 1, jitter: 0 },
  })
  const impatient = defineJob<{ what: string }>({
    name: 'impatient',
    runsIn,
    file,
    timeout: 500,
    maxAttempts: 1,
  })

  test(
    `a job in a ${runsIn}: result, progress, log, outcome and error come back`,
    { timeout: 60_000 },
    async () => {
      await using context = await jobsForTest([heavy])
      const { jobs, database } = context
      const handle = await jobs.enqueue(heavy, { what: 'where' })
      const where = await handle.result()
      assert.equal(where.isMainThread, runsIn === 'process')
      assert.equal(where.pid === process.pid, runsIn === 'thread')
      await waitUntil('its progress is kept', () =>
        database.get('select 1 from handcar_jobs where progress = ?', ['{"half":true}']),
      )
      await waitUntil('its log is kept', () =>
        database.get("select 1 from handcar_job_logs where text = 'working'"),
      )
      const again = await (await jobs.enqueue(heavy, { what: 'where' })).result()
      assert.equal(again.pid, where.pid)
      const snoozed = await jobs.enqueue(heavy, { what: 'snooze' })
      await waitUntil('it is snoozed', () => snoozed.state() === 'scheduled')
      const thrown = await jobs.enqueue(heavy, { what: 'throw' }, { maxAttempts: 1 })
      assert.equal(await codeOf(() => thrown.result()), 'HANDCAR_JOB_ENDED')
      const error = database.get<{ error: string; stack: string }>(
        'select error, stack from handcar_job_errors',
      )!
      assert.equal(error.error, 'RangeError: too far')
      assert.match(error.stack, /heavy-job\.ts/)
      const unsendable = await jobs.enqueue(heavy, { what: 'unsendable' }, { maxAttempts: 1 })
      assert.equal(
        await codeOf(() => unsendable.result()),
        runsIn === 'thread' ? 'HANDCAR_JOB_ENDED' : 'HANDCAR_JOB_ENDED',
      )
    },
  )

  test(
    `a job that ends its ${runsIn}: it is tried again, then quarantined`,
    { timeout: 60_000 },
    async () => {
      await using context = await jobsForTest([heavy])
      const handle = await context.jobs.enqueue(heavy, { what: 'exit' })
      assert.equal(await codeOf(() => handle.result()), 'HANDCAR_JOB_ENDED')
      const row = context.database.get<{ crashes: number; reason: string }>(
        'select crashes, reason from handcar_jobs',
      )!
      assert.equal(row.crashes, 2)
      assert.match(row.reason, new RegExp(`died 2 times.*the ${runsIn} of the job died with code 7`))
    },
  )

  test(
    `a job that blocks its ${runsIn} is ended when its time is over; one that listens ends itself`,
    { timeout: 60_000 },
    async () => {
      await using context = await jobsForTest([impatient])
      const deaf = await context.jobs.enqueue(impatient, { what: 'block' })
      const listening = await context.jobs.enqueue(impatient, { what: 'listen' })
      await codeOf(() => listening.result())
      await codeOf(() => deaf.result())
      const rows = context.database.all<{ reason: string }>('select reason from handcar_jobs')
      for (const { reason } of rows)
        assert.match(reason, /TimeoutError: Job \d \("impatient"\) was not done after 500 ms/)
    },
  )
}

test(
  'a process is replaced after so many jobs, or when it has grown too large',
  { timeout: 60_000 },
  async () => {
    const where = defineJob<{ what: string }, { pid: number }>({ name: 'where', runsIn: 'process', file })
    const pidsOf = async (work: WorkOptions, count: number): Promise<number[]> => {
      await using context = await jobsForTest([where], { work })
      const pids: number[] = []
      for (let n = 0; n < count; n++)
        pids.push((await (await context.jobs.enqueue(where, { what: 'where' })).result()).pid)
      return pids
    }
    const [first, second, third] = await pidsOf({ maxJobs: 2 }, 3)
    assert.equal(first, second)
    assert.notEqual(second, third)
    const [small, next] = await pidsOf({ maxRss: '1mb' }, 2)
    assert.notEqual(small, next)
  },
)

test(
  'a job that needs more memory than its thread may have ends the thread, and nothing else',
  { timeout: 60_000 },
  async () => {
    const heavy = defineJob<{ what: string }>({ name: 'heavy', runsIn: 'thread', file, maxCrashes: 1 })
    await using context = await jobsForTest([heavy], { work: { maxRss: '64mb' } })
    const { jobs, database } = context
    const handle = await jobs.enqueue(heavy, { what: 'memory' })
    assert.equal(await codeOf(() => handle.result()), 'HANDCAR_JOB_ENDED')
    const { reason } = database.get<{ reason: string }>('select reason from handcar_jobs')!
    assert.match(reason, /quarantined: .* the thread of the job died with .*memory/)
    assert.ok(context.logger.lines.some(({ message }) => message === 'a job has failed and is discarded'))
  },
)

test('a payload that cannot be sent leaves no thread behind', async () => {
  const unsendable = defineJob({
    name: 'unsendable',
    runsIn: 'thread',
    file,
    maxAttempts: 4,
    backoff: { first: 1 },
    schema: {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ value: { call() {} } as unknown }) },
    },
  })
  await using context = await jobsForTest([unsendable])
  const handle = await context.jobs.enqueue(unsendable, {})
  await waitUntil('it is given up', () => handle.state() === 'discarded')
  const ports = process.getActiveResourcesInfo().filter((name) => name === 'MessagePort')
  assert.deepEqual(ports, [], 'all threads that are left wait for a job')
})
