import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database } from 'handcar/database'
import { control, type TreeStatus } from 'handcar/supervisor'
import { appFolder, type AppFolder } from '../helpers/app-folder.ts'
import { handcar, RunningCommand } from '../helpers/command-line.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Jobs of small apps that run as in production: real processes, a real port. */

const timeout = 90_000

const jobs = `
import { setTimeout as sleep } from 'node:timers/promises'
import { defineJob } from 'handcar/jobs'

/** What the app makes before its jobs may run. */
export const context = { app: 'nothing' }

const write = (job, what) => job.database.run('insert into runs values (?, ?, ?, ?, ?)', [
  job.id, job.attempt, process.pid, context.app, what])

export const note = defineJob({ name: 'note', perform: (_, job) => write(job, 'note') })
export const others = [
  defineJob({ name: 'first-hangs', async perform(_, job) {
    await write(job, 'begun')
    if (job.attempt === 1) await sleep(1e6, undefined, { signal: job.signal })
  } }),
  defineJob({ name: 'slow', async perform(milliseconds, job) {
    await write(job, 'begun')
    await sleep(milliseconds)
    await write(job, 'done')
  } }),
]`

const app = `
import { setTimeout as sleep } from 'node:timers/promises'
import { note, others, context } from './jobs.js'
const all = { note, 'first-hangs': others[0], slow: others[1] }
export default async (handcar) => {
  await sleep(200)
  context.app = 'made'
  const write = (what) => handcar.database.run('insert into runs values (0, 0, ?, ?, ?)', [process.pid, context.app, what])
  return {
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      await write('request arrived')
      await sleep(Number(searchParams.get('wait') ?? 0))
      const payload = searchParams.has('payload') ? Number(searchParams.get('payload')) : undefined
      const { id } = await handcar.database.write(() => handcar.jobs.enqueue(all[pathname.slice(1)], payload))
      return Response.json({ id })
    },
    stop: () => write('app stopped'),
  }
}`

const files = {
  'handcar.config.js': "export default { processes: { stopTimeout: '5s' } }",
  'src/jobs.js': jobs,
  'src/app.js': app,
  'db/migrations/20260101000000_runs.sql':
    'create table runs (job integer, attempt integer, pid integer, app text, what text) strict;',
}

interface Run {
  job: number
  attempt: number
  pid: number
  app: string
  what: string
}

/** An app that runs, and its database. */
async function started(web: number, processes: number) {
  const folder = appFolder(files)
  const environment = { PORT: '0', WEB_CONCURRENCY: String(web), JOBS_CONCURRENCY: String(processes) }
  const running = new RunningCommand(['start'], { folder: folder.path, environment })
  const url = await running.address()
  const database = new Database({ path: folder.file('data/app.sqlite3'), readers: false })
  await database.start()
  return {
    folder,
    running,
    database,
    enqueue: async (path: string): Promise<number> => {
      const answer = await fetch(`${url}/${path}`, { method: 'POST', headers: { connection: 'close' } })
      assert.equal(answer.status, 200, running.output)
      return ((await answer.json()) as { id: number }).id
    },
    runs: (job: number): Run[] => database.all<Run>('select * from runs where job = ? order by rowid', [job]),
    stateOf: (job: number): unknown =>
      database.get<{ state: string }>('select state from handcar_jobs where id = ?', [job])?.state,
    status: () => control<TreeStatus>(folder.file('data'), 'status'),
    async [Symbol.asyncDispose]() {
      await database.stop()
      await running[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

test(
  'web processes perform jobs, once the app was made, also those that waited before',
  { timeout },
  async () => {
    await using app = await started(2, 0)
    const first = await app.enqueue('note')
    await waitUntil('it has run', () => app.stateOf(first) === 'completed')
    const pids = (await app.status()).processes.map(({ pid }) => pid)
    const [run] = app.runs(first)
    assert.ok(pids.includes(run!.pid))
    assert.equal(run!.app, 'made')
    app.running.signal('SIGTERM')
    await app.running.ended()

    await enqueueFromScript(app.folder)
    const again = new RunningCommand(['start'], {
      folder: app.folder.path,
      environment: { PORT: '0', WEB_CONCURRENCY: '1' },
    })
    await using _ = again
    await again.address()
    await waitUntil('the one that waited has run', () => app.stateOf(first + 1) === 'completed')
    assert.equal(app.runs(first + 1)[0]!.app, 'made')
  },
)

/** In the console jobs can be enqueued, and are not performed. */
async function enqueueFromScript(folder: AppFolder): Promise<void> {
  const code = `
    const { note } = await import('./src/jobs.js')
    const { id } = await handcar.jobs.enqueue(note)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return (await handcar.jobs.stats()).queues[0].waiting`
  const { output, errors } = await handcar(['console', '--eval', code], { folder: folder.path })
  assert.equal(output, '1\n', errors)
}

test('where there are processes for jobs, the web processes perform none', { timeout }, async () => {
  await using app = await started(1, 1)
  const ids = await Promise.all(Array.from({ length: 5 }, () => app.enqueue('note')))
  await waitUntil('they have run', () => ids.every((id) => app.stateOf(id) === 'completed'))
  const performer = (await app.status()).processes.find(({ kind }) => kind === 'jobs')!
  for (const id of ids)
    assert.deepEqual(
      app.runs(id).map(({ pid }) => pid),
      [performer.pid],
    )
  await waitUntil('the status tells', async () => {
    const { processes } = await app.status()
    assert.equal(processes.find(({ kind }) => kind === 'web')!.stats.jobs, undefined)
    return processes.find(({ kind }) => kind === 'jobs')!.stats.jobs?.completed === 5
  })
})

test('the jobs of a process that is killed are run by another one at once', { timeout }, async (t) => {
  await using app = await started(1, 2)
  const id = await app.enqueue('first-hangs')
  await waitUntil('it runs', () => app.runs(id).length === 1)
  const [{ pid }] = app.runs(id) as [Run]
  const startedAt = performance.now()
  process.kill(pid, 'SIGKILL')
  await waitUntil('it runs again', () => app.runs(id).length === 2)
  const duration = Math.round(performance.now() - startedAt)
  t.diagnostic(`${duration} ms`)
  // Without being told, the others look every ten seconds.
  assert.ok(duration < 5_000, `${duration} ms`)
  assert.equal(app.runs(id)[1]!.attempt, 2)
  assert.notEqual(app.runs(id)[1]!.pid, pid)
  assert.match(errorOf(app.database, id), new RegExp(`the process \\S+:${pid} died by SIGKILL`))
})

test('where it was the only one, its successor runs them, and knows how it died', { timeout }, async (t) => {
  await using app = await started(1, 1)
  const id = await app.enqueue('first-hangs')
  await waitUntil('it runs', () => app.runs(id).length === 1)
  const [{ pid }] = app.runs(id) as [Run]
  const startedAt = performance.now()
  process.kill(pid, 'SIGKILL')
  await waitUntil('it has run again', () => app.stateOf(id) === 'completed', 20_000)
  t.diagnostic(`${Math.round(performance.now() - startedAt)} ms, with the start of a process`)
  assert.match(errorOf(app.database, id), /died by SIGKILL/)
})

function errorOf(database: Database, job: number): string {
  return database.get<{ error: string }>('select error from handcar_job_errors where job_id = ?', [job])!
    .error
}

test('a stop lets requests enqueue to their end, then the jobs end, then the app', { timeout }, async () => {
  await using app = await started(1, 0)
  const slow = await app.enqueue('slow?payload=1500')
  const hanging = await app.enqueue('first-hangs')
  await waitUntil('both run', () => app.runs(slow).length === 1 && app.runs(hanging).length === 1)
  const late = app.enqueue('note?wait=1000')
  await waitUntil('the request is underway', () => app.runs(0).length === 3)
  app.running.signal('SIGTERM')
  const lateId = await late
  assert.equal(await app.running.ended(), 0, app.running.output)
  assert.deepEqual(
    app.runs(slow).map(({ what }) => what),
    ['begun', 'done'],
  )
  assert.equal(app.stateOf(slow), 'completed')
  assert.equal(app.stateOf(lateId), 'available')
  const { state, attempt, crashes } = app.database.get<{ state: string; attempt: number; crashes: number }>(
    'select state, attempt, crashes from handcar_jobs where id = ?',
    [hanging],
  )!
  assert.deepEqual([state, attempt, crashes], ['available', 0, 0])
  const last = app.database.get<Run>('select * from runs order by rowid desc')!
  assert.equal(last.what, 'app stopped')
  assert.doesNotMatch(app.running.output, /not closed|NOT_STARTED/)
})
