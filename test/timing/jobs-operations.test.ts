import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { Database } from '../../src/database/index.ts'
import { defineJob, Jobs } from '../../src/jobs/index.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const noop = defineJob({ name: 'noop', perform: (page: number) => void page })
const finishedRows = 1_000_000
const failedRows = 40_000

/** The longest that the event loop stood still while something was done, and how long that took, in milliseconds. */
async function measure<Result>(work: () => Promise<Result>) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const startedAt = performance.now()
  delay.enable()
  const result = await work()
  delay.disable()
  return { result, duration: performance.now() - startedAt, longest: delay.max / 1e6 }
}

test(
  'among a million finished jobs, lists, searches and actions neither stop the event loop nor write for long',
  { timeout: 600_000 },
  async (t) => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = new Database({
      path,
      partMigrations: { jobs: Jobs.migrations },
      readers: { processes: 1 },
      slowQuery: '1h',
      durability: 'os',
    })
    await database.start()
    await using jobs = new Jobs({ database, definitions: [noop] })
    await jobs.start()
    const numbers = (from: number, to: number): string =>
      `with recursive n (i) as (select ${from} union all select i + 1 from n where i < ${to})`
    await database.run(`${numbers(1, finishedRows)}
      insert into handcar_jobs (name, queue, state, attempt, created_at, finished_at, payload, reason)
      select iif(i % 3, 'mail', 'report'), 'default', iif(i % ${finishedRows / failedRows}, 'completed', 'discarded'), 1, i, i,
        '{"user":' || i || ',"text":"' || hex(randomblob(40)) || '"}', iif(i % ${finishedRows / failedRows}, null, 'no such user ' || i)
      from n`)

    const during = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
      const { result, duration, longest } = await measure(work)
      t.diagnostic(`${name}: ${duration.toFixed(0)} ms, event loop ${longest.toFixed(1)} ms`)
      // One look at all rows on this thread would take longer.
      assert.ok(longest < 1_000, `${name}: the event loop stood still for ${longest} ms`)
      return result
    }
    const page = await during('newest page', () => jobs.list())
    assert.equal(page.jobs.length, 50)
    const failed = await during('page of discarded', () => jobs.list({ state: 'discarded' }))
    assert.equal(failed.jobs.length, 50)
    const recent = await during('the last to complete', () =>
      jobs.list({ state: 'completed', after: finishedRows - 99 }, { limit: 1_000 }),
    )
    assert.equal(recent.jobs.length, 96)
    const one = await during('search by an error', () => jobs.list({ error: 'USER 500000' }))
    assert.deepEqual(
      one.jobs.map(({ id }) => id),
      [500_000],
    )
    const none = await during('search of a payload that there is not', () =>
      jobs.list({ payload: { user: -1 } }),
    )
    assert.equal(none.jobs.length, 0)
    assert.equal((await during('running', () => jobs.list({ state: 'running' }))).jobs.length, 0)
    const preview = await during('preview', () => jobs.preview('retry', { name: 'report' }))
    assert.equal(preview.count, Math.floor(failedRows / 3))

    const before = database.stats().writes
    assert.equal(await during('retry', () => jobs.retry({ name: 'report' }, { by: 'anna' })), preview.count)
    assert.equal(await during('cancel', () => jobs.cancel({ name: 'report' }, 'a test')), preview.count)
    assert.equal(
      await during('delete', () => jobs.delete({ state: 'discarded' })),
      failedRows - preview.count,
    )
    const { committed, hold } = database.stats().writes
    t.diagnostic(`writes: ${committed - before.committed}, the longest ${hold.max} ms`)
    assert.ok(committed - before.committed >= (failedRows + preview.count) / 500)
  },
)

test(
  'without reader processes it happens in slices between which the event loop goes on',
  { timeout: 300_000 },
  async () => {
    await using database = new Database({
      path: ':memory:',
      partMigrations: { jobs: Jobs.migrations },
      readers: false,
      slowQuery: '1h',
      durability: 'os',
    })
    await database.start()
    await using jobs = new Jobs({ database, definitions: [noop] })
    await jobs.start()
    await database.run(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 200000)
    insert into handcar_jobs (name, queue, state, created_at, finished_at) select 'noop', 'default', 'completed', i, i from n`)
    let turns = 0
    const count = (): void => {
      turns++
      turn = setImmediate(count)
    }
    let turn = setImmediate(count)
    const { jobs: found } = await jobs.list({ error: 'nowhere' })
    clearImmediate(turn)
    assert.equal(found.length, 0)
    assert.ok(turns >= 199, `the event loop had ${turns} turns`)
  },
)
