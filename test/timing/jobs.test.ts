import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database } from '../../src/database/index.ts'
import { defineJob, Jobs } from '../../src/jobs/index.ts'
import { Child } from '../helpers/child.ts'
import { jobsForTest } from '../helpers/jobs.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

const noop = defineJob({ name: 'noop', perform: () => {} })

/** The median time of one job after the other, from enqueue to its end, in milliseconds. */
async function medianOf(context: { jobs: Jobs }, queue: string, times = 41): Promise<number> {
  const durations: number[] = []
  for (let time = 0; time < times; time++) {
    const startedAt = performance.now()
    const handle = await context.jobs.enqueue(noop, undefined, { queue })
    await handle.result()
    durations.push(performance.now() - startedAt)
  }
  return durations.sort((a, b) => a - b)[times >> 1]!
}

test(
  'neither scheduled, finished nor waiting jobs in any number slow the others down',
  { timeout: 300_000 },
  async () => {
    await using context = await jobsForTest([noop], { work: { queues: ['now', 'backlog'] } })
    const { jobs, database } = context
    const fill = (count: number, columns: string, values: string) =>
      database.run(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
      insert into handcar_jobs (name, queue, ${columns}) select 'noop', 'backlog', ${values} from n`)
    const empty = await medianOf(context, 'now')
    await jobs.pause('backlog')
    await fill(200_000, 'state, scheduled_at', "'scheduled', 4102444800000 + i")
    const scheduled = await medianOf(context, 'now')
    await fill(1_000_000, 'state, finished_at', "'completed', i")
    const finished = await medianOf(context, 'now')
    await fill(1_000_000, 'state', "'available'")
    const waiting = await medianOf(context, 'now')
    for (const duration of [scheduled, finished, waiting]) {
      assert.ok(duration < 3 * empty + 2, `${JSON.stringify({ empty, scheduled, finished, waiting })} ms`)
    }
  },
)

test(
  'a stranger holds the write lock for 10 s: no finish is lost, no job runs twice, the loop goes on',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = new Database({
      path,
      partMigrations: { jobs: Jobs.migrations },
      readers: false,
      writeTimeout: '200ms',
    })
    await database.start()
    const runs = new Map<number, number>()
    const job = defineJob({
      name: 'job',
      async perform(_: number, { id }) {
        runs.set(id, (runs.get(id) ?? 0) + 1)
        await new Promise((resolve) => setTimeout(resolve, 20))
      },
    })
    await using context = await jobsForTest([job], { database, work: { slots: 5 } })
    const handles = await context.jobs.enqueueAll(
      job,
      Array.from({ length: 100 }, (_, n) => n),
    )
    await waitUntil('some are done', () => runs.size > 10)
    await using stranger = Child.start('stranger-process', { path })
    await stranger.next()
    await stranger.ask({ holdFor: 10_000 })
    let ticks = 0
    const timer = setInterval(() => ticks++, 10)
    await stranger.next()
    clearInterval(timer)
    assert.ok(ticks > 250, `${ticks} ticks in 10 s`)
    for (const handle of handles) await handle.result({ timeout: '20s' })
    assert.deepEqual(
      [...runs.values()],
      handles.map(() => 1),
    )
  },
)

test('an idle worker writes nothing', async () => {
  await using context = await jobsForTest([noop])
  const { jobs, database } = context
  await (await jobs.enqueue(noop)).result()
  await jobs.enqueue(noop, undefined, { in: '1h' })
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { batches } = database.stats().writes
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(database.stats().writes.batches, batches)
})

test(
  'a job that a trigger has inserted is found, though nobody tells of it',
  { timeout: 60_000 },
  async () => {
    await using context = await jobsForTest([noop])
    const { database } = context
    await database.run('create table orders (id integer primary key)')
    await database.run(`create trigger order_job after insert on orders begin
    insert into handcar_jobs (name, queue) values ('noop', 'default'); end`)
    await database.run('insert into orders default values')
    const done = () => database.get("select 1 from handcar_jobs where state = 'completed'")
    await waitUntil('it is performed', done, 30_000)
  },
)
