import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Child } from '../../../test/helpers/child.ts'
import { crashJobs, createRuns } from '../../../test/helpers/crash-jobs.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Database } from '../../database/index.ts'
import { Jobs } from '../index.ts'

async function databaseIn(path: string): Promise<Database> {
  const database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
  await database.start()
  await database.run(createRuns)
  return database
}

test('the jobs of a process that was killed run again at the next start, with their attempt counted', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = await databaseIn(path)
  const jobs = crashJobs(database)
  await using producer = await jobsForTest(Object.values(jobs), { database, work: false })
  await using child = Child.start('jobs-worker-process', { path, slots: 10 })
  await child.next()
  const handles = await producer.jobs.enqueueAll(jobs.hang, [false, false, false, false])
  await waitUntil('three run, as the limit says', () => database.all('select job from runs').length === 3)
  {
    await using living = await jobsForTest(Object.values(jobs), { database })
    assert.equal(await living.jobs.rescue(), 0)
    assert.equal(await living.jobs.rescue({ pid: child.pid }), 0)
  }
  await child.kill()
  await using worker = await jobsForTest(Object.values(jobs), { database })
  for (const handle of handles) await handle.result({ timeout: '10s' })
  const runs = database.all('select job, attempt from runs where pid = ? order by job', [process.pid])
  assert.deepEqual(
    runs,
    handles.map(({ id }, index) => ({ job: id, attempt: index < 3 ? 2 : 1 })),
  )
  const errors = database.all<{ error: string; attempt: number }>(
    'select error, attempt from handcar_job_errors',
  )
  assert.equal(errors.length, 3)
  assert.match(errors[0]!.error, new RegExp(`the process \\S+:${child.pid} died while the job ran`))
  assert.ok(worker.logger.lines.some(({ message }) => message === 'jobs of a dead worker are given back'))
  await worker.jobs.stop()
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => name.includes('worker-')),
    [],
  )
})

test('somebody who sees a process die has its jobs given back at once; who kills thrice is quarantined', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = await databaseIn(path)
  const jobs = crashJobs(database)
  await using context = await jobsForTest(Object.values(jobs), { database, work: { queues: ['none'] } })
  const poison = await context.jobs.enqueue(jobs.kill)
  for (let crash = 1; crash <= 3; crash++) {
    await using child = Child.start('jobs-worker-process', { path, slots: 10 })
    assert.equal(await child.ended(), 'SIGKILL')
    const rescued = await context.jobs.rescue({ pid: child.pid, signal: 'SIGKILL' })
    assert.equal(rescued, 1)
  }
  const row = database.get<{ state: string; crashes: number; attempt: number; reason: string }>(
    'select state, crashes, attempt, reason from handcar_jobs where id = ?',
    [poison.id],
  )!
  assert.deepEqual([row.state, row.crashes, row.attempt], ['discarded', 3, 3])
  assert.match(row.reason, /quarantined: its process died 3 times; the last time: .* died by SIGKILL/)
  assert.deepEqual(
    context.logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields),
    [{ job: 'kill', jobId: poison.id, error: row.reason }],
  )
})

test('a death that was told before the work begins is known when the jobs are given back', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = await databaseIn(path)
  const jobs = crashJobs(database)
  await using producer = await jobsForTest(Object.values(jobs), { database, work: { begin: 'later' } })
  const { id } = await producer.jobs.enqueue(jobs.kill)
  await using child = Child.start('jobs-worker-process', { path, slots: 1 })
  assert.equal(await child.ended(), 'SIGKILL')
  assert.equal(await producer.jobs.rescue({ pid: child.pid, signal: 'SIGKILL' }), 0)
  await producer.jobs.pause('default')
  await producer.jobs.work()
  const [error] = database.all<{ error: string }>('select error from handcar_job_errors where job_id = ?', [
    id,
  ])
  assert.match(error!.error, /died by SIGKILL while the job ran/)
})

test('a job that must not run twice is discarded when its process dies', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = await databaseIn(path)
  const jobs = crashJobs(database)
  await using producer = await jobsForTest(Object.values(jobs), { database, work: false })
  const handle = await producer.jobs.enqueue(jobs.once)
  await using child = Child.start('jobs-worker-process', { path, slots: 10 })
  assert.equal(await child.ended(), 'SIGKILL')
  await using worker = await jobsForTest(Object.values(jobs), { database })
  assert.ok(worker)
  assert.equal(handle.state(), 'discarded')
  assert.equal(database.all('select job from runs').length, 1)
})

test('a database from a backup that was made while jobs ran: they run again', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = await databaseIn(path)
  const jobs = crashJobs(database)
  await using producer = await jobsForTest(Object.values(jobs), { database, work: false })
  const handle = await producer.jobs.enqueue(jobs.hang, true)
  await database.write((tx) => {
    tx.run(
      "insert into handcar_job_workers (id, pid, boot_id, process_started_at, lock, name, started_at) values (7, ?, 'other', '1', 'gone', 'other:1', 1)",
      [process.pid],
    )
    tx.run(
      "update handcar_jobs set state = 'running', worker_id = 7, claims = 1, attempt = 1, attempted_at = 1",
    )
  })
  await using worker = await jobsForTest(Object.values(jobs), { database })
  assert.ok(worker)
  await handle.result({ timeout: '5s' })
  assert.deepEqual(database.get('select attempt from handcar_jobs'), { attempt: 2 })
})

test('a worker that stops in order leaves nothing to rescue', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using database = await databaseIn(path)
  await using child = Child.start('jobs-worker-process', { path, slots: 1 })
  await child.next()
  assert.equal(database.all('select id from handcar_job_workers where stopped_at is null').length, 1)
  await child.ask({ stop: true })
  assert.equal(database.all('select id from handcar_job_workers where stopped_at is null').length, 0)
})

test('jobs that wait for a place which nobody holds any more run at the next start', async () => {
  using folder = temporaryFolder()
  await using database = await databaseIn(folder.file('app.sqlite3'))
  const jobs = crashJobs(database)
  await using producer = await jobsForTest(Object.values(jobs), { database, work: false })
  const handle = await producer.jobs.enqueue(jobs.hang, true)
  await database.run('update handcar_jobs set blocked = 1')
  await using worker = await jobsForTest(Object.values(jobs), { database })
  assert.ok(worker)
  await handle.result({ timeout: '5s' })
})
