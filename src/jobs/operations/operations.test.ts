import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { defineJob } from '../definition/define-job.ts'
import type { JobFilter } from './filter.ts'

const mail = defineJob({
  name: 'mail',
  queue: 'mail',
  maxAttempts: 1,
  perform({ to, fail }: { to: string; fail?: string; user?: { id: number; tags?: string[] } }) {
    if (fail !== undefined) throw new Error(fail)
    return `sent to ${to}`
  },
})
const report = defineJob({ name: 'report', perform: (page: number | undefined) => void page })

/** A few jobs in all kinds of states, with their ids by name. */
async function variety() {
  const clock = new FakeClock()
  const all = await jobsForTest([mail, report], { clock })
  const { jobs } = all
  const sent = await jobs.enqueue(
    mail,
    { to: 'Anna', user: { id: 1, tags: ['new', 'vip'] } },
    { tags: ['welcome'] },
  )
  await sent.result()
  clock.advance(1_000)
  const refused = await jobs.enqueue(mail, { to: 'Berta', fail: '550 no such user', user: { id: 2 } })
  await waitUntil('the failure', () => refused.state() === 'discarded')
  clock.advance(1_000)
  const later = await jobs.enqueue(mail, { to: 'Carla', user: { id: 3 } }, { in: '1h' })
  await jobs.pause('default')
  const waiting = await jobs.enqueue(report, 5, { priority: 3 })
  const cancelled = await jobs.enqueue(report, 6)
  await cancelled.cancel('not needed')
  const ids = {
    sent: sent.id,
    refused: refused.id,
    later: later.id,
    waiting: waiting.id,
    cancelled: cancelled.id,
  }
  return { ...all, clock, ids, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() }
}

const start = Date.UTC(2026, 0, 1)
const filters: [JobFilter, string[]][] = [
  [{}, ['cancelled', 'waiting', 'later', 'refused', 'sent']],
  [{ state: 'discarded' }, ['refused']],
  [{ state: ['discarded', 'cancelled'] }, ['cancelled', 'refused']],
  [{ state: ['completed', 'scheduled'] }, ['later', 'sent']],
  [{ state: 'available' }, ['waiting']],
  [{ state: 'running' }, []],
  [{ hold: 'parked' }, []],
  [{ name: 'mail' }, ['later', 'refused', 'sent']],
  [{ name: ['mail', 'report'], queue: 'default' }, ['cancelled', 'waiting']],
  [{ tag: 'welcome' }, ['sent']],
  [{ tag: 'wel' }, []],
  [{ payload: 'ANNA' }, ['sent']],
  [{ payload: { 'user.id': 2 } }, ['refused']],
  [{ payload: { 'user.id': '2' } }, []],
  [{ payload: { '$.user.tags[1]': 'vip', to: 'Anna' } }, ['sent']],
  [{ payload: { 'user.tags': ['new', 'vip'] } }, ['sent']],
  [{ payload: { '$."to"': 'Carla' } }, ['later']],
  [{ error: 'NO SUCH user' }, ['refused']],
  [{ error: 'not needed' }, ['cancelled']],
  [{ after: new Date(start + 1_000) }, ['cancelled', 'waiting', 'later', 'refused']],
  [{ before: start + 1_000 }, ['sent']],
  [{ after: start + 1_000, before: start + 2_000 }, ['refused']],
  [{ ids: [1, 2, 999], state: 'completed' }, ['sent']],
  [{ ids: [] }, []],
  [{ batch: 1 }, []],
]

test('jobs are listed by every part of a filter, the newest first', async () => {
  await using all = await variety()
  const names = Object.fromEntries(Object.entries(all.ids).map(([name, id]) => [id, name]))
  for (const [filter, expected] of filters) {
    const { jobs, next } = await all.jobs.list(filter)
    assert.deepEqual(
      jobs.map(({ id }) => names[id]),
      expected,
      JSON.stringify(filter),
    )
    assert.equal(next, undefined)
  }
  const [waiting] = (await all.jobs.list({ state: 'available' })).jobs
  assert.deepEqual(waiting, {
    id: all.ids.waiting,
    name: 'report',
    queue: 'default',
    priority: 3,
    state: 'available',
    hold: undefined,
    attempt: 0,
    maxAttempts: 25,
    createdAt: new Date(start + 2_000),
    scheduledAt: undefined,
    attemptedAt: undefined,
    finishedAt: undefined,
    batch: undefined,
    parent: undefined,
    tags: [],
    reason: undefined,
  })
})

test('a list goes on page by page, whichever way its jobs are found', async () => {
  await using all = await jobsForTest([mail, report], { work: false })
  const { jobs } = all
  const handles = await jobs.enqueueAll(
    report,
    Array.from({ length: 2_500 }, (_, index) => index),
  )
  for (const filter of [{}, { state: 'available' as const }, { ids: handles.map(({ id }) => id) }]) {
    const seen: number[] = []
    let after: number | undefined
    do {
      const page = await jobs.list(filter, { limit: 700, ...(after !== undefined && { after }) })
      seen.push(...page.jobs.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    assert.deepEqual(seen, handles.map(({ id }) => id).toReversed())
  }
  const exact = await jobs.list({}, { limit: 2_500 })
  assert.deepEqual([exact.jobs.length, exact.next], [2_500, undefined])
})

const wrong: [unknown, RegExp][] = [
  [undefined, /retry filter: expected the id of a job, or an object such as/],
  [null, /expected the id of a job/],
  ['5', /expected the id of a job/],
  [[5], /expected the id of a job/],
  [0, /ids of jobs: whole numbers from 1, got number 0/],
  [Number.NaN, /whole numbers from 1/],
  [{ ids: [1, -1] }, /whole numbers from 1, got number -1/],
  [{ state: 'dead' }, /expected scheduled, available, running.*got "dead"/],
  [{ state: [] }, /got undefined/],
  [{ stat: 'discarded' }, /no option "stat"/],
  [{ name: '' }, /a name, or a list of some/],
  [{ name: [] }, /a name, or a list of some/],
  [{ payload: {} }, /a text, or values by their paths/],
  [{ payload: '' }, /a text, or values by their paths/],
  [{ payload: { 'a..b': 1 } }, /a path such as 'user.id'/],
  [{ payload: { 'a[': 1 } }, /a path such as/],
  [{ payload: { a: undefined } }, /expected JSON, got undefined/],
  [{ payload: { a: 1n } }, /expected JSON, got bigint/],
  [{ after: 'yesterday' }, /a valid Date, or milliseconds/],
  [{ before: new Date(Number.NaN) }, /a valid Date/],
  [{ hold: 'limit', state: 'running' }, /only jobs that are available have a hold/],
]

test('a filter that cannot be meant is refused, and nothing is done', async () => {
  await using all = await variety()
  const { jobs } = all
  for (const [filter, message] of wrong) {
    await assert.rejects(jobs.retry(filter as JobFilter), message, String(message))
    await assert.rejects(jobs.delete(filter as JobFilter), /expected|no option|only jobs/)
  }
  await assert.rejects(jobs.retry({}, { count: 5 }), /both of count and per/)
  await assert.rejects(jobs.discard({}, ''), /discard reason: expected a string that is not empty/)
  await assert.rejects(jobs.cancel(1, undefined as unknown as string), /cancel reason/)
  await assert.rejects(jobs.reschedule(1, new Date(Number.NaN)), /a valid Date/)
  await assert.rejects(jobs.reschedule(1, undefined as unknown as number), /reschedule time/)
  await assert.rejects(jobs.list({}, { limit: 0 }), /limit/)
  await assert.rejects(jobs.get(0), /get id/)
  await assert.rejects(jobs.get('1' as unknown as number), /get id/)
  await assert.rejects(jobs.preview('explode' as 'retry', {}), /preview action/)
  assert.equal((await jobs.list()).jobs.length, 5)
})

test('everything needs jobs that are started', async () => {
  const all = await jobsForTest([report])
  await all[Symbol.asyncDispose]()
  await assert.rejects(all.jobs.list(), { code: 'HANDCAR_NOT_STARTED' })
  await assert.rejects(all.jobs.retry({}), { code: 'HANDCAR_NOT_STARTED' })
})

test('a discarded job runs again with all its attempts, and its log says who did it', async () => {
  let isBroken = true
  const flaky = defineJob({
    name: 'flaky',
    maxAttempts: 2,
    backoff: () => 0,
    perform: () => (isBroken ? Promise.reject(new Error('down')) : 'up'),
  })
  await using all = await jobsForTest([flaky])
  const { jobs } = all
  const handle = await jobs.enqueue(flaky)
  await waitUntil('it is discarded', () => handle.state() === 'discarded')
  isBroken = false
  assert.equal(await jobs.retry(handle.id, { by: 'anna' }), 1)
  assert.equal(await handle.result(), 'up')
  const job = (await jobs.get(handle.id))!
  assert.equal(job.attempt, 1)
  assert.equal(job.claims, 3)
  assert.deepEqual(
    job.errors.map(({ attempt, error }) => [attempt, error]),
    [
      [1, 'Error: down'],
      [2, 'Error: down'],
    ],
  )
  assert.deepEqual(
    job.logs.map(({ text }) => text),
    ['retried, by anna'],
  )
  assert.equal(await jobs.retry(handle.id), 0, 'what has completed is left alone')
  assert.equal(await jobs.retry({ ids: [handle.id], state: 'completed' }), 1, 'unless it is asked for')
  await waitUntil('it ran again', async () => (await jobs.get(handle.id))?.claims === 4)
  assert.equal(await jobs.retry(999), 0)
})

test('a job that waits for its next attempt runs at once, and the attempt counts on', async () => {
  const slow = defineJob({
    name: 'slow',
    backoff: () => 3_600_000,
    perform(_, job) {
      if (job.attempt === 1) throw new Error('first')
      return job.attempt
    },
  })
  await using all = await jobsForTest([slow])
  const handle = await all.jobs.enqueue(slow)
  await waitUntil('it failed', () => handle.state() === 'retryable')
  assert.equal(await all.jobs.retry({ name: 'slow' }), 1)
  assert.equal(await handle.result(), 2)
})

test('a retry of many is spread over time', async () => {
  const clock = new FakeClock()
  await using all = await jobsForTest([report], { clock, work: false })
  const { jobs } = all
  await jobs.enqueueAll(report, [1, 2, 3, 4, 5])
  assert.equal(await jobs.discard({}, 'a test'), 5)
  assert.equal(await jobs.retry({}, { count: 2, per: '1s' }), 5)
  const { jobs: retried } = await jobs.list()
  const times = retried
    .toReversed()
    .map(({ state, scheduledAt }) => [state, scheduledAt && +scheduledAt - clock.now()])
  assert.deepEqual(times, [
    ['available', undefined],
    ['scheduled', 500],
    ['scheduled', 1_000],
    ['scheduled', 1_500],
    ['scheduled', 2_000],
  ])
})

test('discard and cancel end what waits; cancel also tells what runs', async () => {
  const forever = defineJob({
    name: 'forever',
    perform: (_: undefined, job) =>
      new Promise((_, reject) =>
        job.signal.addEventListener('abort', () => reject(job.signal.reason as Error)),
      ),
  })
  await using all = await jobsForTest([forever, report])
  const { jobs } = all
  const running = await jobs.enqueue(forever)
  await waitUntil('it runs', () => running.state() === 'running')
  const scheduled = await jobs.enqueueAll(report, [1, 2, 3], { in: '1h' })
  assert.equal(await jobs.discard({}, 'wrong data'), 3, 'what runs cannot be discarded')
  assert.deepEqual(
    scheduled.map((each) => each.state()),
    ['discarded', 'discarded', 'discarded'],
  )
  await assert.rejects(scheduled[0]!.result(), /discarded: wrong data/)
  await jobs.enqueueAll(report, [1, 2], { in: '1h' })
  assert.equal(await jobs.cancel({}, 'closing down'), 3)
  await assert.rejects(running.result(), /^StateError: Job \d+ was cancelled: closing down$/)
  assert.equal((await jobs.get(running.id))!.reason, 'closing down')
  assert.equal(await jobs.cancel({}, 'again'), 0)
  assert.deepEqual(
    (await jobs.get(running.id))!.logs.map(({ text }) => text),
    ['cancelled: closing down'],
  )
})

test('what waits for its time gets another one; what waits for something else is left alone', async () => {
  const clock = new FakeClock()
  await using all = await jobsForTest([report], { clock })
  const { jobs, database } = all
  const [first, second, third] = await jobs.enqueueAll(report, [1, 2, 3], { in: '1h' })
  await database.run('update handcar_jobs set scheduled_at = null where id = ?', [third!.id])
  const at = new Date(clock.now() + 60_000)
  assert.equal(await jobs.reschedule({}, at), 2)
  assert.deepEqual((await jobs.get(first!.id))?.scheduledAt, at)
  assert.equal(await jobs.reschedule(second!.id, clock.now()), 1)
  await second!.result()
  assert.equal(first!.state(), 'scheduled')
  clock.advance(60_000)
  await first!.result()
  assert.equal(third!.state(), 'scheduled')
  assert.equal(await jobs.reschedule(first!.id, clock.now()), 0)
})

test('only what has ended is deleted, with all that belongs to it', async () => {
  await using all = await variety()
  const { jobs, database } = all
  assert.equal(await jobs.delete({}), 3)
  assert.deepEqual(
    (await jobs.list()).jobs.map(({ state }) => state),
    ['available', 'scheduled'],
  )
  assert.deepEqual(database.all('select * from handcar_job_errors'), [])
  assert.equal(await jobs.get(all.ids.sent), undefined)
})

test('whoever waits for the result of a job that is deleted learns it', async () => {
  await using all = await jobsForTest([report], { work: false })
  const handle = await all.jobs.enqueue(report)
  const result = assert.rejects(handle.result(), /was deleted|was cancelled/)
  await all.jobs.cancel(handle.id, 'a test')
  await all.jobs.delete(handle.id)
  await result
})

test('a preview counts what an action would change, and changes nothing', async () => {
  await using all = await jobsForTest([report], { work: false })
  const { jobs } = all
  await jobs.enqueueAll(
    report,
    Array.from({ length: 1_700 }, (_, index) => index),
  )
  await jobs.cancel({ payload: '99' }, 'a test')
  const { count, sample } = await jobs.preview('cancel', { name: 'report' })
  assert.equal(count, 1_700 - 17 - 9)
  assert.equal(sample.length, 10)
  assert.deepEqual(await jobs.preview('cancel', { state: 'completed' }), { count: 0, sample: [] })
  assert.equal((await jobs.preview('retry', {})).count, 26)
  assert.equal((await jobs.preview('delete', 100)).count, 1)
  assert.equal((await jobs.preview('cancel', { name: 'report' })).count, count)
})

test('inside a transaction an action is part of it', async () => {
  await using all = await jobsForTest([report], { work: false })
  const { jobs, database } = all
  await jobs.enqueueAll(
    report,
    Array.from({ length: 1_200 }, (_, index) => index),
  )
  const failed = database.write(async (tx) => {
    assert.equal(await jobs.cancel({}, 'a test'), 1_200)
    assert.equal(
      tx.get<{ count: number }>("select count(*) as count from handcar_jobs where state = 'cancelled'")!
        .count,
      1_200,
    )
    throw new Error('taken back')
  })
  await assert.rejects(failed, /taken back/)
  assert.equal((await jobs.list({ state: 'cancelled' })).jobs.length, 0)
})

test('a job is edited while it does not run', async () => {
  const perKey = defineJob({
    name: 'per-key',
    queue: 'keys',
    limit: { key: ({ key }: { key: string }) => key, count: 1 },
    fairBy: ({ key }) => key,
    perform: ({ key }) => key,
  })
  await using all = await jobsForTest([perKey], { work: false })
  const { jobs, database } = all
  const { id } = await jobs.enqueue(perKey, { key: 'a' })
  const changes = {
    payload: { key: 'b' },
    queue: 'other',
    priority: -5,
    maxAttempts: 3,
    tags: ['x'],
    by: 'anna',
  }
  assert.equal(await jobs.edit(id, changes), true)
  const job = (await jobs.get(id))!
  const { payload, queue, priority, maxAttempts, tags, limitKey, fairKey } = job
  assert.deepEqual(
    { payload, queue, priority, maxAttempts, tags, limitKey, fairKey },
    {
      payload: { key: 'b' },
      queue: 'other',
      priority: -5,
      maxAttempts: 3,
      tags: ['x'],
      limitKey: 'per-key:b',
      fairKey: 'b',
    },
  )
  assert.deepEqual(
    job.logs.map(({ text }) => text),
    ['edited: payload, queue, priority, maxAttempts, tags, by anna'],
  )
  assert.equal(await jobs.edit(id, { tags: [] }), true)
  assert.deepEqual((await jobs.get(id))!.tags, [])
  assert.equal(await jobs.edit(999, { priority: 1 }), false)
  await assert.rejects(jobs.edit(id, {}), /expects something to change/)
  await assert.rejects(jobs.edit(id, { by: 'anna' }), /expects something to change/)
  await assert.rejects(jobs.edit(id, { payload: { key: Number.NaN } }), /HANDCAR_JOB_PAYLOAD|not JSON/)
  await assert.rejects(jobs.edit(id, { queue: '' }), /a string that is not empty/)
  await assert.rejects(jobs.edit(id, { color: 'red' } as object), /no option "color"/)
  await database.run("update handcar_jobs set state = 'running' where id = ?", [id])
  await assert.rejects(jobs.edit(id, { priority: 1 }), { code: 'HANDCAR_JOB_STATE', message: /it runs/ })
})

test('a discarded job whose payload was wrong is put right and runs', async () => {
  const strict = defineJob({
    name: 'strict',
    maxAttempts: 1,
    perform(payload: { to?: string }) {
      if (payload.to === undefined) throw new Error('nobody')
      return payload.to
    },
  })
  await using all = await jobsForTest([strict])
  const handle = await all.jobs.enqueue(strict, {})
  await waitUntil('it is discarded', () => handle.state() === 'discarded')
  await all.jobs.edit(handle.id, { payload: { to: 'anna' } })
  await all.jobs.retry(handle.id)
  assert.equal(await handle.result(), 'anna')
})

test('drain waits for what runs and could run, and for nothing else', async () => {
  const open = Promise.withResolvers<void>()
  const gate = defineJob({ name: 'gate', perform: () => open.promise })
  await using all = await jobsForTest([gate, report])
  const { jobs } = all
  await jobs.drain()
  await jobs.pause('paused')
  await jobs.enqueue(report, 1, { queue: 'paused' })
  await jobs.enqueue(report, 2, { in: '1h' })
  await jobs.drain()
  await jobs.enqueueAll(
    gate,
    Array.from({ length: 30 }, () => undefined),
  )
  await assert.rejects(jobs.drain('default', { timeout: 20 }), { code: 'HANDCAR_JOB_TIMEOUT' })
  await assert.rejects(jobs.drain(undefined, { signal: AbortSignal.abort(new Error('enough')) }), /enough/)
  await jobs.drain('mail')
  const drained = jobs.drain('default')
  open.resolve()
  await drained
  assert.equal((await jobs.list({ name: 'gate', state: 'completed' })).jobs.length, 30)
})

test('rows that strangers have written wrong are shown, and break no search', async () => {
  await using all = await jobsForTest([report], { work: false })
  const { jobs, database } = all
  await database.run(
    "insert into handcar_jobs (name, queue, payload, tags) values ('x', 'y', '{broken', 'also')",
  )
  const [job] = (await jobs.list({ payload: 'broken' })).jobs
  assert.equal((await jobs.get(job!.id))?.payload, '{broken')
  assert.deepEqual((await jobs.list({ payload: { a: 1 } })).jobs, [])
  assert.deepEqual((await jobs.list({ tag: 'also' })).jobs, [])
})

test('the jobs of a paused name are set aside, over restarts, and the others get their turns', async () => {
  await using all = await jobsForTest([mail, report])
  const { jobs, database } = all
  assert.equal(await jobs.pause({ name: 'mail' }), true)
  assert.equal(await jobs.pause({ name: 'mail' }), false)
  const held = await jobs.enqueueAll(
    mail,
    Array.from({ length: 3_000 }, (_, index) => ({ to: String(index) })),
    { queue: 'default', priority: -1 },
  )
  const free = await jobs.enqueue(report, 1)
  await free.result()
  await waitUntil('all are set aside', async () => (await jobs.stats()).paused === held.length)
  assert.deepEqual((await jobs.stats()).pausedNames, ['mail'])
  assert.equal((await jobs.list({ hold: 'paused' })).jobs[0]!.hold, 'paused')
  assert.equal((await jobs.get(held[0]!.id))!.attempt, 0)

  const second = await jobsForTest([mail, report], { database })
  await (await second.jobs.enqueue(report, 2)).result()
  assert.equal((await jobs.stats()).paused, held.length, 'a process that starts leaves them alone')
  assert.equal(await jobs.resume({ name: 'mail' }), true)
  assert.equal(await jobs.resume({ name: 'mail' }), false)
  await jobs.drain()
  await waitUntil('all are done', () => held.every((each) => each.state() === 'completed'))
  await second[Symbol.asyncDispose]()
})

test('what is to be paused is said clearly', async () => {
  await using all = await jobsForTest([report])
  const { jobs } = all
  await assert.rejects(jobs.pause(''), /a string that is not empty/)
  await assert.rejects(jobs.pause({} as { queue: string }), /expects a queue or the name of a job/)
  await assert.rejects(jobs.pause({ queue: 'a', name: 'b' }), /expects a queue or the name of a job/)
  await assert.rejects(jobs.resume(5 as unknown as string), /expects an object/)
  assert.equal(await jobs.pause({ queue: 'a' }), true)
  assert.equal(await jobs.pause('a'), false)
})

test('a member of a workflow that is retried joins it again, and so does what was cancelled because of it', async () => {
  let isBroken = true
  const part = defineJob({
    name: 'part',
    maxAttempts: 1,
    perform(): string {
      if (isBroken) throw new Error('broken')
      return 'done'
    },
  })
  await using all = await jobsForTest([part, report])
  const { jobs } = all
  const flow = await jobs.workflow({ name: 'night' }, (flow) => {
    const first = flow.add('first', part)
    flow.add('second', report, 1, { dependsOn: [first] })
  })
  assert.equal((await flow.wait()).state, 'failed')
  const [second, first] = (await jobs.list({ batch: flow.id })).jobs
  const details = (await jobs.get(second!.id))!
  assert.deepEqual(
    details.needs.map(({ id, name, state, need }) => [id, name, state, need]),
    [[first!.id, 'part', 'discarded', 'failed']],
  )
  assert.deepEqual(
    (await jobs.get(first!.id))!.neededBy.map(({ id }) => id),
    [second!.id],
  )
  const { name, state, total, discarded, cancelled } = details.membership!
  assert.deepEqual([name, state, total, discarded, cancelled], ['night', 'failed', 2, 1, 1])

  isBroken = false
  assert.equal(await jobs.retry(first!.id), 1)
  assert.equal((await flow.wait()).state, 'completed')
  assert.equal(await jobs.delete({ batch: flow.id }), 2)
})

test('the members of a batch that is open are not deleted', async () => {
  await using all = await jobsForTest([report])
  const { jobs } = all
  const batch = await jobs.batch({}, (batch) => {
    batch.enqueue(report, 1)
    batch.enqueue(report, 2, { in: '1h' })
  })
  await waitUntil('the first is done', () => batch.progress().completed === 1)
  assert.equal(await jobs.delete({}), 0)
  assert.equal(await jobs.cancel({ batch: batch.id }, 'a test'), 1)
  assert.equal(await jobs.delete({}), 2)
})

test('a retried job goes on behind the steps that it has done', async () => {
  const runs: string[] = []
  const stepped = defineJob({
    name: 'stepped',
    maxAttempts: 1,
    async perform(_, job) {
      await job.step('first', () => void runs.push('first'))
      runs.push('second')
      if (runs.length === 2) throw new Error('once')
    },
  })
  await using all = await jobsForTest([stepped])
  const handle = await all.jobs.enqueue(stepped)
  await waitUntil('it is discarded', () => handle.state() === 'discarded')
  assert.deepEqual(
    (await all.jobs.get(handle.id))!.steps.map(({ name, kind, state }) => [name, kind, state]),
    [['first', 'step', 'done']],
  )
  await all.jobs.retry(handle.id)
  await handle.result()
  assert.deepEqual(runs, ['first', 'second', 'second'])
})

test('many jobs with long logs are deleted in several writes', async () => {
  const job = defineJob({ name: 'job', perform: () => {} })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  await jobs.enqueueAll(job, Array.from({ length: 400 }))
  await jobs.drain()
  await database.run(`
    with recursive lines (n) as (select 1 union all select n + 1 from lines where n < 100)
    insert into handcar_job_logs (job_id, at, text) select id, 0, 'line' from handcar_jobs, lines`)
  const before = database.stats().writes.committed
  assert.equal(await jobs.delete({}), 400)
  assert.ok(database.stats().writes.committed - before >= 4)
})
