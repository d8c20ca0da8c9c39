import assert, { AssertionError } from 'node:assert/strict'
import { test } from 'node:test'
import { defineJob, defineRecurring, Jobs, snooze } from '../../jobs/index.ts'
import {
  assertEnqueued,
  drainJobs,
  inlineJobs,
  performOne,
  refuteEnqueued,
  temporaryDatabase,
  temporaryJobs,
} from '../index.ts'

interface Mail {
  to: { name: string; id: number }
  lines: string[]
}

const sent: string[] = []
const mail = defineJob({ name: 'mail', queue: 'mail', perform: ({ to }: Mail) => to.name })
const note = defineJob({ name: 'note', perform: (text: string) => void sent.push(text) })
const ada = { to: { name: 'Ada', id: 1 }, lines: ['a', 'b'] }

test('assertEnqueued gives the jobs that are as expected, refuteEnqueued refuses them', async () => {
  await using context = await temporaryJobs({ definitions: [mail, note] })
  const { jobs, clock } = context
  refuteEnqueued(jobs, mail)
  await jobs.enqueue(mail, ada, { priority: 3, tags: ['welcome', 'first'] })
  await jobs.enqueue(mail, { ...ada, to: { name: 'Bob', id: 2 } }, { in: '1h' })
  const at = new Date(clock.now() + 3_600_000)
  assert.deepEqual(
    assertEnqueued(jobs, mail).map(({ id, state, at }) => [id, state, at]),
    [
      [1, 'available', undefined],
      [2, 'scheduled', at],
    ],
  )
  const ids = (...found: ReturnType<typeof assertEnqueued>) => found.map(({ id }) => id)
  assert.deepEqual(ids(...assertEnqueued(jobs, mail, { payload: { to: { name: 'Ada' } } })), [1])
  assert.deepEqual(ids(...assertEnqueued(jobs, mail, { payload: ({ to }) => to.id > 1 })), [2])
  assert.deepEqual(ids(...assertEnqueued(jobs, mail, { at: at.getTime() + 900, queue: 'mail' })), [2])
  assert.deepEqual(ids(...assertEnqueued(jobs, mail, { priority: 3, tags: ['first'] })), [1])
  for (const expected of [
    { payload: { lines: ['a'] } },
    { payload: { to: { name: 'Eve' } } },
    { queue: 'default' },
    { at: new Date(at.getTime() + 2_000) },
    { tags: ['other'] },
    { state: 'running' as const },
  ]) {
    refuteEnqueued(jobs, mail, expected)
    assert.throws(() => assertEnqueued(jobs, mail, expected), AssertionError)
  }
  refuteEnqueued(jobs, note)
})

test('what is missed and what is too much is named', async () => {
  await using context = await temporaryJobs({ definitions: [mail, note] })
  const { jobs } = context
  assert.throws(() => assertEnqueued(jobs, note), {
    message: 'Expected that a job "note" is enqueued. No job is enqueued.',
  })
  await jobs.enqueue(note, 'one', { in: '1m' })
  assert.throws(() => assertEnqueued(jobs, note, { payload: 'two' }), {
    message: `Expected that a job "note" is enqueued with { payload: 'two' }. Enqueued are:
- note (id 1, queue default, scheduled at 2026-01-01T00:01:00.000Z): 'one'`,
  })
  assert.throws(() => refuteEnqueued(jobs, note), {
    message: `Expected that no job "note" is enqueued. Enqueued are:
- note (id 1, queue default, scheduled at 2026-01-01T00:01:00.000Z): 'one'`,
  })
})

test('performOne performs the next job and no other, and tells what has come of it', async () => {
  const flaky = defineJob({
    name: 'flaky',
    perform(_: undefined, job) {
      if (job.attempt === 1) throw new RangeError('not yet')
      if (job.attempt === 2) return snooze('1m')
      return 'done'
    },
    maxAttempts: 2,
    backoff: () => 1_000,
  })
  await using context = await temporaryJobs({ definitions: [mail, note, flaky] })
  const { jobs, clock, database } = context
  await assert.rejects(() => performOne(jobs), { message: 'No job is to be performed now' })
  await jobs.enqueue(note, 'first')
  await jobs.enqueue(mail, ada)
  await jobs.enqueue(flaky)
  await jobs.enqueue(mail, ada)
  assert.deepEqual(await performOne(jobs, mail), {
    id: 2,
    state: 'completed',
    result: 'Ada',
    error: undefined,
    reason: undefined,
  })
  const failed = await performOne(jobs, flaky)
  assert.deepEqual([failed.state, failed.reason], ['retryable', 'RangeError: not yet'])
  assert.ok(failed.error instanceof RangeError)
  await assert.rejects(() => performOne(jobs, flaky), { message: 'No job "flaky" is to be performed now' })
  clock.advance(1_000)
  assert.equal((await performOne(jobs, flaky)).state, 'scheduled')
  assert.equal((await performOne(jobs)).id, 1)
  assert.equal((await performOne(jobs)).id, 4)
  const queues = database.all<{ queue: string }>('select queue from handcar_jobs order by id')
  assert.deepEqual(
    queues.map(({ queue }) => queue),
    ['default', 'mail', 'default', 'mail'],
  )
  await jobs.work()
  await assert.rejects(() => performOne(jobs), { code: 'HANDCAR_OPTION_INVALID' })
})

test('drainJobs performs what there is and what comes of it, and leaves what waits for a time', async () => {
  const seen: string[] = []
  const child = defineJob({ name: 'child', perform: () => void seen.push('child') })
  const parent = defineJob({
    name: 'parent',
    async perform(fails: boolean, job) {
      seen.push(`parent ${job.attempt}`)
      if (fails && job.attempt < 3) throw new Error('again')
      await job.enqueue(child, undefined)
    },
    backoff: () => 60_000,
  })
  await using context = await temporaryJobs({ definitions: [parent, child] })
  const { jobs, clock } = context
  await jobs.enqueue(parent, false)
  await jobs.enqueue(parent, true)
  await jobs.enqueue(child, undefined, { in: '1h' })
  const drained = await drainJobs(jobs)
  assert.equal(drained.completed, 2)
  assert.deepEqual(
    drained.failures.map(({ id, name, attempt, error }) => [id, name, attempt, String(error)]),
    [[2, 'parent', 1, 'Error: again']],
  )
  assert.deepEqual(seen.toSorted(), ['child', 'parent 1', 'parent 1'])
  const startedAt = clock.now()
  assert.equal((await drainJobs(jobs, { withScheduled: '1m' })).failures.length, 1)
  assert.equal(clock.now(), startedAt + 60_000)
  const rest = await drainJobs(jobs, { withScheduled: true })
  assert.deepEqual([rest.completed, rest.failures.length], [3, 0])
  assert.equal(clock.now(), startedAt + 3_600_000)
  assert.equal(jobs.isWorking, false)
})

test('recurring jobs tick while the clock is moved on, each time at its time', async () => {
  const ticks: string[] = []
  const hourly = defineJob({ name: 'hourly', perform: (at: string) => void ticks.push(at) })
  const recurring = defineRecurring({
    name: 'every-hour',
    job: hourly,
    every: '1h',
    payload: ({ at }) => at.toISOString().slice(11, 16),
  })
  await using context = await temporaryJobs({ definitions: [hourly], recurring: [recurring] })
  const { jobs } = context
  await drainJobs(jobs, { withScheduled: '3h' })
  assert.deepEqual(ticks, ['01:00', '02:00', '03:00'])
})

test('inlineJobs performs what is enqueued before the enqueue has resolved, and right after a commit', async () => {
  const child = defineJob({ name: 'child', perform: () => void sent.push('child') })
  const parent = defineJob({
    name: 'parent',
    async perform(_: undefined, job) {
      await context.jobs.enqueue(child)
      await job.enqueue(child, undefined)
      sent.push('parent')
    },
  })
  await using context = await temporaryJobs({ definitions: [parent, child, note] })
  const { jobs, database } = context
  sent.length = 0
  {
    await using _inline = await inlineJobs(jobs)
    await jobs.enqueue(parent)
    assert.deepEqual(sent.toSorted(), ['child', 'child', 'parent'])
    const handles = await jobs.enqueueAll(note, ['one', 'two'])
    assert.deepEqual(
      handles.map((handle) => handle.state()),
      ['completed', 'completed'],
    )
    const handle = await database.write(() => jobs.enqueue(note, 'three'))
    await jobs.drain()
    assert.equal(handle.state(), 'completed')
  }
  await jobs.enqueue(note, 'four')
  assertEnqueued(jobs, note, { payload: 'four' })
  assert.ok(!sent.includes('four'))
})

test('jobs that may not perform are not drained, and a clock of the machine is not moved', async () => {
  await using without = await temporaryJobs({ definitions: [note], work: false })
  await without.jobs.enqueue(note, 'one')
  await assert.rejects(() => drainJobs(without.jobs), { code: 'HANDCAR_OPTION_INVALID' })
  assert.equal((await performOne(without.jobs)).state, 'completed')
  const definitions = [note]
  await using database = await temporaryDatabase({ partMigrations: { jobs: Jobs.migrations } })
  await using jobs = new Jobs({ database, definitions, work: { begin: 'later' } })
  await jobs.start()
  await assert.rejects(() => drainJobs(jobs, { withScheduled: true }), { code: 'HANDCAR_OPTION_INVALID' })
  await jobs.enqueue(note, 'one')
  assert.equal((await drainJobs(jobs)).completed, 1)
})
