import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { Database, type DatabaseOptions } from '../../src/database/index.ts'
import { defineJob, Jobs } from '../../src/jobs/index.ts'
import { Child } from '../helpers/child.ts'
import { jobsForTest } from '../helpers/jobs.ts'
import { recordingLogger } from '../helpers/recording-logger.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { cannotMount, SmallDisk } from './small-disk.ts'
import { isSoak } from './soak.ts'

async function start(path: string, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = new Database({
    path,
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
    logger: recordingLogger(),
    ...options,
  })
  await database.start()
  return database
}

/** A job that runs until it is told to go on, and counts how often each was begun. */
function gatedJob() {
  const gate = Promise.withResolvers<void>()
  const begun = new Map<number, number>()
  const job = defineJob({
    name: 'gated',
    async perform(_: undefined, { id }) {
      begun.set(id, (begun.get(id) ?? 0) + 1)
      await gate.promise
    },
  })
  return { job, begun, goOn: () => gate.resolve() }
}

const nothings = (count: number) => Array.from({ length: count }, () => undefined)

test('a file that comes from a backup which was made while jobs ran: they run again, the others are as they were', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const { job, begun, goOn } = gatedJob()
  let ids: number[]
  {
    await using database = await start(path)
    await using context = await jobsForTest([job], { database, work: { slots: 3 } })
    const done = await context.jobs.enqueueAll(job, nothings(5))
    ids = done.map(({ id }) => id)
    await waitUntil('three run', () => begun.size === 3)
    await using stranger = Child.start('stranger-process', { path })
    await stranger.next()
    await stranger.ask({ exec: `vacuum into '${folder.file('backup.sqlite3')}'` })
    goOn()
    for (const handle of done) await handle.result({ timeout: '10s' })
  }
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  copyFileSync(folder.file('backup.sqlite3'), path)
  await using database = await start(path)
  const before = database.all<{ n: number }>("select count(*) as n from handcar_jobs where state = 'running'")
  assert.deepEqual(before, [{ n: 3 }])
  await using context = await jobsForTest([job], { database })
  assert.ok(context)
  const left = () =>
    database.get<{ n: number }>("select count(*) as n from handcar_jobs where state <> 'completed'")
  await waitUntil('all are done', () => left()!.n === 0)
  const attempts = database.all<{ id: number; attempt: number }>(
    'select id, attempt from handcar_jobs order by id',
  )
  assert.deepEqual(
    attempts,
    ids.map((id, index) => ({ id, attempt: index < 3 ? 2 : 1 })),
  )
})

test('tables that are restored under a worker that lives: what ran then runs again, and the worker goes on', async () => {
  using folder = temporaryFolder()
  await using database = await start(folder.file('app.sqlite3'))
  const { job, begun, goOn } = gatedJob()
  await using context = await jobsForTest([job], { database, work: { slots: 3 } })
  const handles = await context.jobs.enqueueAll(job, nothings(3))
  await waitUntil('all run', () => begun.size === 3)
  // Of the three, one waits again, one runs at a worker that is long gone, and one was not enqueued yet.
  await database.write((tx) => {
    tx.run('delete from handcar_job_workers')
    tx.run(
      "update handcar_jobs set state = 'available', attempt = 0, claims = 0, worker_id = null where id = 1",
    )
    tx.run('update handcar_jobs set claims = 9, worker_id = 99 where id = 2')
    tx.run('delete from handcar_jobs where id = 3')
  })
  goOn()
  await waitUntil('what came too late is refused', () =>
    context.logger.lines.some(({ message }) => /too late/.test(message)),
  )
  await handles[0]!.result({ timeout: '10s' })
  assert.equal(await context.jobs.rescue(), 1)
  await handles[1]!.result({ timeout: '10s' })
  assert.deepEqual([begun.get(1), begun.get(2)], [2, 2])
  assert.deepEqual(database.all('select name from handcar_job_workers').length, 1)
  const next = await context.jobs.enqueue(job)
  await next.result({ timeout: '10s' })
})

test(
  'a disk that fills up while jobs run: each runs once, and their ends are written when there is space',
  { skip: cannotMount },
  async () => {
    using disk = new SmallDisk(4)
    await using database = await start(disk.file('app.sqlite3'))
    const { job, begun, goOn } = gatedJob()
    await using context = await jobsForTest([job], { database, work: { slots: 20 } })
    const { jobs, logger } = context
    const handles = await jobs.enqueueAll(job, nothings(60))
    await waitUntil('the first run', () => begun.size === 20)
    disk.fill()
    // What the file still has room for is used up.
    const padding = 'x'.repeat(3_000)
    await waitUntil('nothing can be written', () =>
      jobs.enqueueAll(job, nothings(50), { tags: [padding], in: '1h' }).then(
        () => false,
        () => true,
      ),
    )
    goOn()
    await waitUntil('a turn has failed', () =>
      logger.lines.some(({ message }) => /turn .* failed/.test(message)),
    )
    disk.release()
    for (const handle of handles) await handle.result({ timeout: '30s' })
    assert.deepEqual(
      handles.map(({ id }) => begun.get(id)),
      handles.map(() => 1),
    )
  },
)

const held = isSoak ? 10_000 : 1_500
test(
  `a stranger holds the write lock for ${held} ms: enqueues wait or fail, no end is lost, nothing runs twice`,
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = await start(path, { writeTimeout: '300ms' })
    const { job, begun, goOn } = gatedJob()
    await using context = await jobsForTest([job], { database, work: { slots: 5 } })
    const handles = await context.jobs.enqueueAll(job, nothings(20))
    await waitUntil('some run', () => begun.size === 5)
    await using stranger = Child.start('stranger-process', { path })
    await stranger.next()
    await stranger.ask({ holdFor: held })
    goOn()
    const refused = await context.jobs.enqueue(job).then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    assert.match(String(refused), /HANDCAR_/)
    await stranger.next()
    for (const handle of handles) await handle.result({ timeout: '30s' })
    const runs = [...begun.values()]
    assert.deepEqual(
      runs,
      runs.map(() => 1),
    )
    assert.deepEqual(database.get('select count(*) as n from handcar_jobs'), { n: 20 })
  },
)

const many = isSoak ? 1_000_000 : 60_000
test(
  `${many} jobs wait, ${many} have ended and ${many / 5} are scheduled: those of another queue run, and in the end all`,
  { timeout: 900_000 },
  async () => {
    using folder = temporaryFolder()
    await using database = await start(folder.file('app.sqlite3'))
    const noop = defineJob({ name: 'noop', perform: () => {} })
    await using context = await jobsForTest([noop], {
      database,
      work: { slots: 100, queues: ['now', 'backlog'] },
    })
    const { jobs } = context
    await jobs.pause('backlog')
    const fill = (count: number, columns: string, values: string) =>
      database.run(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
      insert into handcar_jobs (name, queue, ${columns}) select 'noop', 'backlog', ${values} from n`)
    await fill(many / 5, 'state, scheduled_at', "'scheduled', 4102444800000 + i")
    await fill(many, 'state, finished_at', "'completed', 1 + i")
    await fill(many, 'state', "'available'")
    for (let n = 0; n < 20; n++)
      await (await jobs.enqueue(noop, undefined, { queue: 'now' })).result({ timeout: '10s' })
    await jobs.resume('backlog')
    const left = (): number =>
      database.get<{ n: number }>(
        "select count(*) as n from handcar_jobs indexed by handcar_jobs_for_claim where state = 'available' and blocked = 0",
      )!.n
    await waitUntil('the backlog is gone', () => left() === 0, 600_000)
    await jobs.drain()
    const counts = database.all('select state, count(*) as n from handcar_jobs group by state order by state')
    assert.deepEqual(counts, [
      { state: 'completed', n: 2 * many + 20 },
      { state: 'scheduled', n: many / 5 },
    ])
  },
)
