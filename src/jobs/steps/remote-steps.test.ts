import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob } from '../index.ts'

const file = new URL('../../../test/helpers/steps-job.ts', import.meta.url)

for (const runsIn of ['thread', 'process'] as const) {
  const job = defineJob<{ what: string; path?: string }, unknown>({
    name: 'job',
    runsIn,
    file,
    maxAttempts: 3,
    maxCrashes: 2,
    backoff: { first: 1, jitter: 0 },
  })

  test(`steps in a ${runsIn}: what was done is not done again`, { timeout: 60_000 }, async () => {
    await using context = await jobsForTest([job])
    const { jobs, database } = context
    const crashed = await jobs.enqueue(job, { what: 'crash' })
    const first = (await crashed.result()) as { key: string; pid: number }
    assert.equal(first.pid === process.pid, runsIn === 'thread')
    const steps = database.all<{ name: string; tries: number; key: string }>(
      'select name, state, tries, key from handcar_job_steps order by name',
    )
    assert.deepEqual(
      steps.map(({ name, tries }) => [name, tries]),
      [
        ['first', 1],
        ['second', 2],
      ],
    )
    assert.equal(steps[0]!.key, first.key)
    // It may crash twice, and crashes once in each of three steps.
    const crashing = await jobs.enqueue(job, { what: 'crashes' })
    assert.equal(await crashing.result(), 'done')
    const failed = await jobs.enqueue(job, { what: 'fail' })
    assert.deepEqual(((await failed.result()) as unknown[]).slice(1), [3, 3])
    const once = await jobs.enqueue(job, { what: 'once' })
    assert.match(
      String(await once.result()),
      /^Step "once" failed after its only try: .*its process died, or was stopped, while it ran/,
    )
    const cursor = await jobs.enqueue(job, { what: 'cursor' })
    assert.equal(await cursor.result(), 3)
    const hopeless = await jobs.enqueue(job, { what: 'gives up' })
    assert.equal(
      await hopeless.result(),
      'Step "hopeless" failed after 2 tries: RangeError: never (RangeError)',
    )
  })

  test(`a job in a ${runsIn} sleeps and waits`, { timeout: 60_000 }, async () => {
    await using context = await jobsForTest([job])
    const { jobs, database } = context
    const handle = await jobs.enqueue(job, { what: 'sleep' })
    await waitUntil('it waits', () =>
      database.get("select 1 from handcar_jobs where state = 'scheduled' and scheduled_at is null"),
    )
    await jobs.emit(`answer:${handle.id}`, { yes: true })
    assert.deepEqual(await handle.result(), { yes: true })
    const early = await jobs.enqueue(job, { what: 'sleep' })
    await jobs.emit(`answer:${early.id}`, 'early')
    assert.equal(await early.result(), 'early')
  })

  test(`a write in a ${runsIn} commits with its record`, { timeout: 60_000 }, async () => {
    await using context = await jobsForTest([job])
    const { jobs, database } = context
    await database.run('create table notes (id integer primary key, text text) strict')
    const handle = await jobs.enqueue(job, { what: 'write', path: database.path })
    assert.equal(await handle.result(), 1)
    assert.deepEqual(database.all('select text from notes'), [
      { text: 'written' },
      { text: 'moved' },
      { text: 'moved' },
    ])
    const unset = await jobs.enqueue(job, { what: 'unset' }, { maxAttempts: 1 })
    assert.match((await errorOf(() => unset.result())).message, /expected a started Database/)
  })

  test(`mistakes in a ${runsIn} are found, and a cancel is heard`, { timeout: 60_000 }, async () => {
    await using context = await jobsForTest([job], { maxPayload: 1_000 })
    const { jobs, database } = context
    const reasonOf = async (what: string) => {
      const handle = await jobs.enqueue(job, { what }, { maxAttempts: 1 })
      return (await errorOf(() => handle.result())).message
    }
    assert.match(await reasonOf('twice'), /takes a second step "same" in one attempt/)
    assert.match(await reasonOf('large'), /was discarded: OptionsError: The result of step "large"/)
    const handle = await jobs.enqueue(job, { what: 'cancelled' })
    await waitUntil('it runs', () => database.get("select 1 from handcar_job_steps where name = 'long'"))
    await handle.cancel('enough')
    await errorOf(() => handle.result())
    assert.equal(handle.state(), 'cancelled')
    assert.equal(database.get("select 1 from handcar_job_steps where name = 'never'"), undefined)
  })
}
