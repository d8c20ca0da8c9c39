import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand, type CommandResult } from '../../../test/helpers/command-line.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Database } from '../../database/index.ts'
import { Jobs, type JobDetails, type JobInfo, type JobsStats } from '../../jobs/index.ts'

const definitions = `
import { existsSync } from 'node:fs'
import { defineJob, defineRecurring } from 'handcar/jobs'

const isEmail = (value) => typeof value?.to === 'string' && value.to.includes('@')
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) =>
  isEmail(value) ? { value } : { issues: [{ message: 'expected an address', path: ['to'] }] } } }

export const mail = defineJob({
  name: 'mail',
  queue: 'mail',
  schema,
  maxAttempts: 1,
  async perform({ to }, job) {
    if (!existsSync('mail-server-is-up')) throw new Error('connect ECONNREFUSED 127.0.0.1:25')
    await job.log('sent')
    return { to }
  },
})
export const hang = defineJob({
  name: 'hang',
  perform: (_, job) => new Promise((_, reject) => {
    job.signal.addEventListener('abort', () => reject(job.signal.reason))
  }),
})
export const stubborn = defineJob({ name: 'stubborn', perform: () => new Promise(() => {}) })
export const tidy = defineJob({ name: 'tidy', perform: () => 'tidied' })
export const everyDay = defineRecurring({ name: 'tidy-up', job: tidy, cron: '0 4 * * *' })
`
const files = {
  'src/jobs.js': definitions,
  'handcar.config.js': "export default { log: { level: 'warn' }, processes: { stopTimeout: '2s' } }",
}

const jobs = (folder: AppFolder, ...words: string[]): Promise<CommandResult> =>
  handcar(['jobs', ...words], { folder: folder.path })

/** Runs a command that has to work, and reads the JSON that it prints. */
async function json<Value>(folder: AppFolder, ...words: string[]): Promise<Value> {
  const { code, output, errors } = await jobs(folder, ...words, '--json')
  assert.equal(code, 0, errors)
  return JSON.parse(output) as Value
}

async function migratedApp(): Promise<AppFolder> {
  const folder = appFolder(files)
  const { code, errors } = await handcar(['migrate'], { folder: folder.path })
  assert.equal(code, 0, errors)
  return folder
}

/** The jobs of an app as another process sees them. */
async function lookAt(folder: AppFolder) {
  const database = new Database({ path: folder.file('data/app.sqlite3'), readers: false })
  await database.start()
  const jobs = new Jobs({ database })
  await jobs.start()
  return {
    jobs,
    stateOf: async (id: number): Promise<string | undefined> => (await jobs.get(id))?.state,
    async [Symbol.asyncDispose]() {
      await jobs.stop()
      await database.stop()
    },
  }
}

const enqueueMail = async (folder: AppFolder, to: string): Promise<number> =>
  (await json<{ id: number }>(folder, 'enqueue', 'mail', JSON.stringify({ to }))).id

test('a job is enqueued, performed, found, shown, edited and retried', async () => {
  using folder = await migratedApp()
  const enqueued = await jobs(folder, 'enqueue', 'mail', '{ "to": "anna@example.com" }', '--tags', 'welcome')
  assert.equal(enqueued.output, 'Job 1 is enqueued, available.\n', enqueued.errors)
  await enqueueMail(folder, 'berta@example.com')
  const worked = await jobs(folder, 'work', '--until-drained', '--slots', '5')
  assert.equal(worked.code, 0, worked.errors)

  const table = await jobs(folder, 'list')
  assert.match(table.output, /^id +job +queue +state +attempt +when +reason$/m)
  assert.match(
    table.output,
    /^ *1 +mail +mail +discarded +1\/1 +(?:now|\d+ s ago) +Error: connect ECONNREFUSED 127\.0\.0\.1:25$/m,
  )
  const found = await json<{ jobs: JobInfo[]; next: null }>(
    folder,
    'list',
    '--payload',
    'to=anna@example.com',
    '--tag',
    'welcome',
  )
  assert.deepEqual([found.jobs.map(({ id }) => id), found.next], [[1], null])
  assert.deepEqual(
    (await json<{ jobs: JobInfo[] }>(folder, 'list', '--error', 'econnrefused', '--limit', '1')).jobs.map(
      ({ id }) => id,
    ),
    [2],
  )
  const none = await jobs(folder, 'list', '--state', 'completed')
  assert.deepEqual([none.code, none.output, none.errors], [0, '', 'no jobs\n'])

  const story = (await jobs(folder, 'show', '1')).output
  assert.match(story, /^job 1 {2}mail {2}discarded$/m)
  assert.match(story, /^reason +Error: connect ECONNREFUSED/m)
  assert.match(story, /^attempts +1 of 1$/m)
  assert.match(story, /^tags +welcome$/m)
  assert.match(story, /^payload\n {2}\{ to: 'anna@example.com' \}$/m)
  assert.match(story, /^failed attempts\n.*\n +1 +.*Error: connect ECONNREFUSED.*\n +at .*src\/jobs\.js/m)

  const refused = await jobs(folder, 'edit', '1', '--payload', '{ "to": "nobody" }')
  assert.equal(refused.code, 1)
  assert.match(refused.errors, /does not fit its schema: .*expected an address[^]*HANDCAR_JOB_PAYLOAD/)
  const edited = await jobs(
    folder,
    'edit',
    '1',
    '--payload',
    '{ "to": "anna@example.org" }',
    '--priority',
    '-3',
  )
  assert.equal(edited.output, 'Job 1 is changed: payload, priority.\n')

  folder.write('mail-server-is-up', '')
  assert.equal((await jobs(folder, 'retry', '1')).output, '1 job retried.\n')
  assert.equal((await jobs(folder, 'work', '--until-drained')).code, 0)
  const job = await json<JobDetails>(folder, 'show', '1')
  assert.equal(job.state, 'completed')
  assert.deepEqual(job.result, { to: 'anna@example.org' })
  assert.match(
    job.logs.map(({ text }) => text).join('\n'),
    /^edited: payload, priority, by .* \(handcar jobs\)\nretried, by .*\nsent$/,
  )

  const again = await jobs(folder, 'retry', '1', '999')
  assert.equal(again.code, 1)
  assert.equal(again.output, 'No job was retried.\n')
  assert.equal(again.errors, 'Job 1 is completed; --state completed retries it.\nThere is no job 999.\n')
  const missing = await jobs(folder, 'show', '999')
  assert.match(missing.errors, /There is no job 999\nfix: .*handcar jobs list.*\ncode: +HANDCAR_JOB_MISSING/)
})

test('what a filter means is shown first, and done with --yes', async () => {
  using folder = await migratedApp()
  for (const to of ['a@x', 'b@x', 'c@y']) await enqueueMail(folder, to)
  const preview = await jobs(
    folder,
    'cancel',
    '--name',
    'mail',
    '--payload',
    '@x',
    '--reason',
    'wrong address',
  )
  assert.equal(preview.code, 0)
  assert.match(
    preview.output,
    /^ *2 +mail +.*\n *1 +mail +.*\n2 jobs would be cancelled; add --yes to do it\.$/m,
  )
  const counted = await json<{ preview: true; count: number }>(folder, 'cancel', '--payload', '@x')
  assert.deepEqual([counted.preview, counted.count], [true, 2])
  assert.equal((await json<JobsStats>(folder, 'stats')).queues[0]!.waiting, 3, 'nothing was done')

  assert.deepEqual(await json(folder, 'cancel', '--payload', '@x', '--reason', 'wrong address', '--yes'), {
    count: 2,
  })
  assert.match((await jobs(folder, 'list', '--state', 'cancelled')).output, /cancelled .*wrong address/)
  assert.equal((await jobs(folder, 'discard', '--all', '--yes')).output, '1 job discarded.\n')
  assert.equal((await jobs(folder, 'retry', '--all', '--rate', '1/1h', '--yes')).output, '3 jobs retried.\n')
  const spread = await json<{ jobs: JobInfo[] }>(folder, 'list')
  assert.deepEqual(
    spread.jobs.map(({ state }) => state),
    ['scheduled', 'scheduled', 'available'],
  )
  assert.match((await jobs(folder, 'list', '--state', 'scheduled')).output, /in (?:2 h|1 h 59 m)/)
  assert.equal(
    (await jobs(folder, 'reschedule', '--state', 'scheduled', '--at', 'now', '--yes')).output,
    '2 jobs rescheduled.\n',
  )
  assert.equal((await jobs(folder, 'cancel', '1')).output, '1 job cancelled.\n')
  assert.equal(
    (await jobs(folder, 'delete', '--all')).output.split('\n').at(-2),
    '1 job would be deleted; add --yes to do it.',
  )
  assert.equal((await jobs(folder, 'delete', '--all', '--yes')).output, '1 job deleted.\n')
  assert.equal((await jobs(folder, 'delete', '--all')).output, 'No job would be deleted.\n')
})

test('an app that works does what is asked for outside at once', async () => {
  using folder = await migratedApp()
  await using _app = new RunningCommand(['start', '--port', '0', '--processes', '1'], { folder: folder.path })
  await using seen = await lookAt(folder)
  const { stateOf } = seen
  const { id: hanging } = await json<{ id: number }>(folder, 'enqueue', 'hang')
  await waitUntil('it runs', async () => (await stateOf(hanging)) === 'running', 30_000)
  assert.match((await jobs(folder, 'show', String(hanging))).output, /^worker +\S+:\d+$/m)
  assert.equal(
    (await jobs(folder, 'cancel', String(hanging), '--reason', 'enough')).output,
    '1 job cancelled.\n',
  )
  await waitUntil('it is cancelled', async () => (await stateOf(hanging)) === 'cancelled', 30_000)

  const waited = await jobs(folder, 'enqueue', 'tidy', '--wait', '30s')
  assert.equal(waited.output, '"tidied"\n', waited.errors)

  const failed = await enqueueMail(folder, 'anna@example.com')
  await waitUntil('it is discarded', async () => (await stateOf(failed)) === 'discarded', 30_000)
  folder.write('mail-server-is-up', '')
  await jobs(folder, 'retry', '--state', 'discarded', '--yes')
  assert.equal(
    (await jobs(folder, 'drain', 'mail', '--timeout', '30s')).output,
    'The queue mail is drained.\n',
  )
  assert.equal(await stateOf(failed), 'completed')

  assert.equal((await jobs(folder, 'pause', 'mail')).output, 'The queue mail is paused.\n')
  assert.equal((await jobs(folder, 'pause', 'mail')).output, 'The queue mail was paused already.\n')
  assert.equal((await jobs(folder, 'pause', '--name', 'tidy')).output, 'The job tidy is paused.\n')
  const held = [await enqueueMail(folder, 'b@x'), (await json<{ id: number }>(folder, 'enqueue', 'tidy')).id]
  const stats = await jobs(folder, 'stats')
  assert.match(stats.output, /^queue +waiting +oldest\n(?:.*\n)*mail +1 +.* +paused$/m)
  await waitUntil('it is set aside', async () => (await seen.jobs.stats()).paused === 1, 30_000)
  assert.match((await jobs(folder, 'list', '--hold', 'paused')).output, /available \(paused\)/)
  assert.match((await jobs(folder, 'stats')).output, /^paused +1 +names: tidy$/m)
  assert.equal((await jobs(folder, 'resume', 'mail')).output, 'The queue mail is resumed.\n')
  assert.deepEqual(await json(folder, 'resume', '--name', 'tidy'), { changed: true })
  for (const id of held)
    await waitUntil('it is done', async () => (await stateOf(id)) === 'completed', 30_000)
})

test('what is paused is told, also when there is nothing of it', async () => {
  using folder = await migratedApp()
  await jobs(folder, 'enqueue', 'tidy')
  assert.equal((await jobs(folder, 'pause', '--name', 'tidy')).errors, '')
  const misspelt = await jobs(folder, 'pause', '--name', 'tydi')
  assert.deepEqual([misspelt.code, misspelt.output], [0, 'The job tydi is paused.\n'])
  assert.match(misspelt.errors, /There is no job of it; `handcar jobs resume --name tydi` takes it back\./)
  assert.match((await jobs(folder, 'stats')).output, /^paused +0 +names: tidy, tydi$/m)
})

test('recurring jobs are listed, paused, edited and run', async () => {
  using folder = await migratedApp()
  assert.match((await jobs(folder, 'recurring')).errors, /no recurring jobs/)
  await jobs(folder, 'work', '--until-drained')
  const table = await jobs(folder, 'recurring')
  assert.match(table.output, /^tidy-up +tidy +0 4 \* \* \* +in \d+ .*$/m)
  const next = await json<string[]>(folder, 'recurring', 'next', 'tidy-up', '--count', '3')
  assert.deepEqual(
    next.map((time) => time.slice(11)),
    Array(3).fill('04:00:00.000Z'),
  )
  assert.match((await jobs(folder, 'recurring', 'pause', 'tidy-up')).output, /paused/)
  assert.match((await jobs(folder, 'recurring', 'resume', 'tidy-up')).output, /in \d+/)
  const edited = await jobs(
    folder,
    'recurring',
    'edit',
    'tidy-up',
    '--cron',
    '30 5 * * *',
    '--time-zone',
    'Europe/Berlin',
  )
  assert.match(edited.output, /30 5 \* \* \* Europe\/Berlin .*edited: /)
  assert.match(
    (await jobs(folder, 'recurring', 'edit', 'tidy-up', '--cron', '0 0 31 2 *')).errors,
    /HANDCAR_OPTION_INVALID/,
  )
  assert.match((await jobs(folder, 'recurring', 'reset', 'tidy-up')).output, /^tidy-up +tidy +0 4 \* \* \*/m)
  assert.equal((await jobs(folder, 'recurring', 'run', 'tidy-up')).output, 'Job 1 is enqueued.\n')
  assert.match((await jobs(folder, 'recurring', 'ticks', 'tidy-up')).errors, /no ticks yet/)
  assert.match(
    (await jobs(folder, 'recurring', 'pause', 'tidyup')).errors,
    /Did you mean "tidy-up"\?[^]*HANDCAR_RECURRING_UNKNOWN/,
  )
  const useless = await jobs(folder, 'recurring', 'pause', 'tidy-up', '--time-zone', 'UTC')
  assert.deepEqual([useless.code, /got --time-zone/.test(useless.errors)], [2, true])
  assert.match((await jobs(folder, 'recurring', 'list', 'tidy-up')).errors, /expected no name, got "tidy-up"/)
})

test('a process that works stops in good order at Ctrl-C, and gives back what is not done', async () => {
  using folder = await migratedApp()
  const { id } = await json<{ id: number }>(folder, 'enqueue', 'hang')
  await using worker = new RunningCommand(['jobs', 'work', '--queues', 'default'], {
    folder: folder.path,
    environment: { LOG_LEVEL: 'info' },
  })
  await worker.wrote(/Working on the jobs of .*app\.sqlite3; Ctrl-C ends it\./)
  await using seen = await lookAt(folder)
  await waitUntil('it runs', async () => (await seen.stateOf(id)) === 'running', 30_000)
  worker.signal('SIGINT')
  assert.equal(await worker.ended(), 0, worker.output)
  const job = await json<JobDetails>(folder, 'show', String(id))
  assert.deepEqual([job.state, job.attempt, job.claims], ['available', 0, 1])
})

test('a second Ctrl-C ends it at once; the job runs again elsewhere', async () => {
  using folder = await migratedApp()
  folder.write('handcar.config.js', 'export default {}')
  const { id } = await json<{ id: number }>(folder, 'enqueue', 'stubborn')
  await using seen = await lookAt(folder)
  await using worker = new RunningCommand(['jobs', 'work'], { folder: folder.path })
  await waitUntil('it runs', async () => (await seen.stateOf(id)) === 'running', 30_000)
  worker.signal('SIGINT')
  await worker.wrote(/Ctrl-C again/)
  worker.signal('SIGINT')
  assert.equal(await worker.ended(), 'SIGINT')
  await using second = new RunningCommand(['jobs', 'work'], { folder: folder.path })
  await waitUntil('it runs again', async () => (await seen.jobs.get(id))?.claims === 2, 30_000)
  assert.equal((await seen.jobs.get(id))?.crashes, 1)
  assert.ok(!second.hasEnded)
})

test('without a database, its tables, or the job, the cure is told', async () => {
  using folder = appFolder({ 'src/jobs.js': definitions })
  for (const words of [['list'], ['stats'], ['retry', '1'], ['enqueue', 'tidy'], ['recurring']]) {
    const { code, errors } = await jobs(folder, ...words)
    assert.equal(code, 1)
    assert.match(
      errors,
      /There is no database .*\nfix: .*handcar migrate.*\ncode: +HANDCAR_DATABASE_PATH/,
      words[0],
    )
  }
  await handcar(['migrate'], { folder: folder.path })
  assert.match(
    (await jobs(folder, 'enqueue', 'tdiy')).errors,
    /has no job "tdiy"\nfix: .*Did you mean "tidy"\?\ncode: +HANDCAR_JOB_UNKNOWN/,
  )
  await handcar(['db', '--write', 'drop table handcar_jobs'], { folder: folder.path })
  for (const words of [['list'], ['enqueue', 'tidy']]) {
    assert.match(
      (await jobs(folder, ...words)).errors,
      /has no tables for jobs\nfix: .*handcar migrate.*\ncode: +HANDCAR_JOBS_TABLES/,
    )
  }
})

test('code that is broken keeps nobody from looking after jobs', async () => {
  using folder = await migratedApp()
  await enqueueMail(folder, 'anna@example.com')
  folder.write('src/jobs.js', "throw new Error('broken')")
  assert.equal((await jobs(folder, 'cancel', '1')).output, '1 job cancelled.\n')
  assert.match((await jobs(folder, 'list')).output, /cancelled/)
  assert.match((await jobs(folder, 'enqueue', 'mail')).errors, /broken/)
})
