import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { cancel, defineJob, discard, type Batch, type Jobs, type Member } from '../index.ts'

const order: string[] = []
const step = defineJob({
  name: 'step',
  async perform(what: string, job) {
    const needs = await job.needs()
    order.push(what)
    return {
      what,
      needs: Object.fromEntries(Object.entries(needs).map(([name, { result }]) => [name, result])),
    }
  },
})
const broken = defineJob({
  name: 'broken',
  perform(how: 'discard' | 'cancel') {
    order.push(how)
    return how === 'discard' ? discard('broken') : cancel('not needed')
  },
})
const sum = defineJob({
  name: 'sum',
  async perform(_: undefined, job) {
    const { numbers } = await job.needs<{ numbers: number[] }>()
    order.push(numbers.state)
    return numbers.result.reduce((total, n) => total + n, 0)
  },
})
const number = defineJob({ name: 'number', perform: (n: number) => n })
const all = [step, broken, sum, number]

const statesOf = (flow: Batch) =>
  Object.fromEntries(flow.graph().jobs.map(({ name, state }) => [name, state]))
const reasonOf = async (jobs: Jobs, flow: Batch, name: string) => (await jobs.get(flow.job(name)!.id))!.reason

test('jobs run when what they need has completed, and get its results by name', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  const flow = await jobs.workflow({ name: 'diamond' }, (flow) => {
    flow.add('end', step, 'end', { dependsOn: ['left', 'right'] })
    const start = flow.add('start', step, 'start')
    flow.add('left', step, 'left', { dependsOn: start })
    flow.add('right', step, 'right', { dependsOn: [start] })
  })
  const end = await flow.job('end')!.result({ timeout: '5s' })
  const start = { what: 'start', needs: {} }
  assert.deepEqual(end, {
    what: 'end',
    needs: {
      left: { what: 'left', needs: { start } },
      right: { what: 'right', needs: { start } },
    },
  })
  assert.deepEqual([order[0], order[3]], ['start', 'end'])
  assert.equal((await flow.wait({ timeout: '5s' })).state, 'completed')
  assert.equal(flow.job('nobody'), undefined)
  const [first] = flow.graph().jobs
  assert.deepEqual(flow.graph().jobs[2]!.needs, [{ kind: 'job', id: first!.id, state: 'met' }])
})

test('what needs a job that has failed is cancelled with the reason, and so on; unless it is to run', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  for (const how of ['discard', 'cancel'] as const) {
    const flow = await jobs.workflow({}, (flow) => {
      const bad = flow.add('bad', broken, how)
      const good = flow.add('good', step, 'good')
      const next = flow.add('next', step, 'next', { dependsOn: [bad, good] })
      flow.add('after', step, 'after', { dependsOn: next })
      flow.add('clean', step, 'clean', { dependsOn: [bad, next], ifNeedsFail: 'run' })
    })
    const ended = await flow.wait({ timeout: '5s' })
    const state = how === 'discard' ? 'discarded' : 'cancelled'
    assert.equal(ended.state, how === 'discard' ? 'failed' : 'cancelled')
    assert.deepEqual(statesOf(flow), {
      bad: state,
      good: 'completed',
      next: 'cancelled',
      after: 'cancelled',
      clean: 'completed',
    })
    const why = how === 'discard' ? 'broken' : 'not needed'
    const bad = flow.job('bad')!.id
    const reason = `the job "bad" (${bad}) that it needs was ${state}: ${why}`
    assert.equal(await reasonOf(jobs, flow, 'next'), reason)
    assert.equal(await reasonOf(jobs, flow, 'after'), reason)
  }
})

test('cycles and names that nobody has are refused before anything is written', async () => {
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const cycle = jobs.workflow({}, (flow) => {
    flow.add('a', step, 'a', { dependsOn: 'c' })
    flow.add('b', step, 'b', { dependsOn: 'a' })
    flow.add('c', step, 'c', { dependsOn: 'b' })
  })
  await assert.rejects(cycle, {
    code: 'HANDCAR_WORKFLOW_CYCLE',
    message: /has a cycle: a needs c needs b needs a;/,
  })
  const own = jobs.workflow({}, (flow) => void flow.add('a', step, 'a', { dependsOn: 'a' }))
  await assert.rejects(own, { message: /a needs a;/ })
  const inside = jobs.workflow({}, (flow) => {
    flow.batch({ name: 'in' }, (batch) => {
      batch.enqueue(step, 'x', { dependsOn: 'in' })
    })
  })
  await assert.rejects(inside, { code: 'HANDCAR_WORKFLOW_CYCLE' })
  const through = jobs.workflow({}, (flow) => {
    flow.add('a', step, 'a', { dependsOn: 'in' })
    flow.batch({ name: 'in', dependsOn: 'a' }, () => {})
  })
  await assert.rejects(through, { code: 'HANDCAR_WORKFLOW_CYCLE' })
  const unknown = jobs.workflow({}, (flow) => {
    flow.add('users', step, 'a')
    flow.add('b', step, 'b', { dependsOn: 'usres' })
  })
  await assert.rejects(unknown, { code: 'HANDCAR_OPTION_INVALID', fix: 'Did you mean "users"?' })
  const twice = jobs.workflow({}, (flow) => {
    flow.add('a', step, 'a')
    flow.add('a', step, 'b')
  })
  await assert.rejects(twice, { message: 'There is a member "a" already' })
  const wrong = jobs.workflow({}, (flow) => void flow.add('a', step, 'a', { dependsOn: 7 as never }))
  await assert.rejects(wrong, { code: 'HANDCAR_OPTION_INVALID' })
  let lost: Member
  const failing = jobs.workflow({}, (flow) => {
    lost = flow.add('a', step, 'a')
    throw new Error('no')
  })
  await assert.rejects(failing)
  const needsLost = jobs.workflow({}, (flow) => void flow.add('b', step, 'b', { dependsOn: lost }))
  await assert.rejects(needsLost, { code: 'HANDCAR_OPTION_INVALID', message: /members of this batch/ })
  assert.deepEqual(
    database.all('select id from handcar_jobs union all select id from handcar_job_batches'),
    [],
  )
})

test('a long chain does not overflow anything', async () => {
  await using context = await jobsForTest(all, { work: { slots: 50 } })
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    let last: Member = flow.add('first', broken, 'discard')
    for (let n = 0; n < 5_000; n++) last = flow.enqueue(number, n, { dependsOn: last })
  })
  assert.equal((await flow.wait({ timeout: '30s' })).cancelled, 5_000)
})

test('what thousands wait for goes on in several writes, in another process when the first one dies', async () => {
  await using producer = await jobsForTest(all, { work: false })
  const { jobs, database } = producer
  const flow = await jobs.workflow({}, (flow) => {
    flow.add('start', number, 0)
    const members = Array.from({ length: 1_600 }, (_, n) => n)
    flow.enqueueAll(number, members, { dependsOn: 'start', ifNeedsFail: 'run' })
    flow.enqueueAll(number, members, { dependsOn: 'start' })
  })
  await flow.job('start')!.cancel('no')
  const count = (text: string) =>
    database.get<{ n: number }>(`select count(*) as n from handcar_jobs where ${text}`)!.n
  assert.equal(count("state <> 'scheduled'"), 501)
  await using worker = await jobsForTest(all, { database, work: { slots: 100 } })
  assert.ok(worker)
  const { completed, cancelled } = await flow.wait({ timeout: '20s' })
  assert.deepEqual([completed, cancelled], [1_600, 1_601])
  assert.deepEqual(database.all('select * from handcar_job_releases'), [])
})

test('a job waits for a batch: for its jobs, and gets their results', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    flow.add('start', step, 'start')
    flow.batch({ name: 'numbers', dependsOn: 'start' }, (batch) => {
      batch.enqueueAll(number, [1, 2, 3])
      batch.batch({ name: 'further' }, (further) => void further.enqueue(step, 'further'))
    })
    flow.add('sum', sum, undefined, { dependsOn: 'numbers' })
  })
  assert.equal(await flow.job<number>('sum')!.result({ timeout: '5s' }), 6)
  assert.deepEqual(order, ['start', 'further', 'completed'])
  assert.equal(flow.job('numbers'), undefined)
})

test('who waits for a batch without jobs waits for what that waits for', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    flow.batch({ name: 'numbers', dependsOn: 'start' }, () => {})
    flow.add('sum', sum, undefined, { dependsOn: 'numbers' })
    flow.add('start', step, 'start')
  })
  assert.equal(await flow.job<number>('sum')!.result({ timeout: '5s' }), 0)
  assert.deepEqual(order, ['start', 'completed'])
})

test('a job of a batch that has failed cancels what needs the batch', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    const numbers = flow.batch({ name: 'numbers' }, (batch) => {
      batch.enqueue(number, 1)
      batch.enqueue(broken, 'discard')
    })
    flow.add('sum', sum, undefined, { dependsOn: numbers })
    flow.add('anyway', sum, undefined, { dependsOn: numbers, ifNeedsFail: 'run' })
  })
  await flow.wait({ timeout: '5s' })
  assert.match((await reasonOf(jobs, flow, 'sum'))!, /^the batch "numbers" \(\d+\) that it needs has failed$/)
  assert.equal(await flow.job('anyway')!.result(), 1)
  assert.deepEqual(order, ['discard', 'failed'])
})

test('a job can wait for one that was enqueued before, however that stands', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  const done = await jobs.enqueue(step, 'done')
  const bad = await jobs.enqueue(broken, 'discard')
  await jobs.drain()
  const later = await jobs.enqueue(step, 'later', { in: '1h' })
  const flow = await jobs.workflow({}, (flow) => {
    flow.add('a', step, 'a', { dependsOn: done })
    flow.add('b', step, 'b', { dependsOn: bad })
    flow.add('c', step, 'c', { dependsOn: [done, later] })
    flow.add('d', step, 'd', { dependsOn: { id: 4711 } })
    flow.add('e', step, 'e', { dependsOn: [bad, { id: 4711 }], ifNeedsFail: 'run' })
  })
  await jobs.drain()
  assert.deepEqual(statesOf(flow), {
    a: 'completed',
    b: 'cancelled',
    c: 'scheduled',
    d: 'cancelled',
    e: 'completed',
  })
  assert.equal(await reasonOf(jobs, flow, 'd'), 'the job 4711 that it needs was deleted')
  await later.cancel('enough')
  assert.equal((await flow.wait({ timeout: '5s' })).cancelled, 3)
  const batch = await jobs.batch({ name: 'numbers' }, (batch) => void batch.enqueueAll(number, [5, 6]))
  const next = await jobs.workflow({}, (flow) => void flow.add('sum', sum, undefined, { dependsOn: batch }))
  assert.equal(await next.job('sum')!.result({ timeout: '5s' }), 11)
})

test('a job that is deleted while others wait for it counts as failed', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const flow = await jobs.workflow({}, (flow) => {
    const gone = flow.add('gone', step, 'gone', { in: '1h' })
    flow.add('next', step, 'next', { dependsOn: gone })
    flow.add('anyway', step, 'anyway', { dependsOn: gone, ifNeedsFail: 'run' })
  })
  await database.run('delete from handcar_jobs where id = ?', [flow.job('gone')!.id])
  assert.deepEqual((await flow.wait({ timeout: '5s' })).state, 'cancelled')
  assert.deepEqual(statesOf(flow), { next: 'cancelled', anyway: 'completed' })
  assert.deepEqual(order, ['anyway'])
})

test('with dependsOn, "in" counts from when nothing is waited for any more', async () => {
  order.length = 0
  const clock = new FakeClock()
  await using context = await jobsForTest(all, { clock })
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    const first = flow.add('first', step, 'first', { in: '1h' })
    flow.add('delayed', step, 'delayed', { dependsOn: first, in: '1h' })
    flow.add('timed', step, 'timed', { dependsOn: first, at: clock.now() + 5 * 3_600_000 })
    flow.add('past', step, 'past', { dependsOn: first, at: clock.now() + 1_000 })
  })
  clock.advance(3 * 3_600_000)
  await waitUntil('two ran', () => statesOf(flow).past === 'completed')
  assert.deepEqual(order, ['first', 'past'])
  clock.advance(3_600_000 - 1)
  assert.deepEqual(statesOf(flow), {
    first: 'completed',
    delayed: 'scheduled',
    timed: 'scheduled',
    past: 'completed',
  })
  clock.advance(1)
  await waitUntil('three ran', () => statesOf(flow).delayed === 'completed')
  clock.advance(3_600_000)
  await flow.wait({ timeout: '5s' })
  assert.deepEqual(order.slice(2), ['delayed', 'timed'])
})

test('jobs that take turns get theirs when they are released', async () => {
  const fair = defineJob({ name: 'fair', fairBy: (user: number) => user, perform: () => {} })
  await using context = await jobsForTest([fair, number], { work: { queues: ['none'] } })
  const { jobs, database } = context
  await jobs.enqueueAll(fair, [1, 1, 1, 2])
  const held = await jobs.enqueue(number, 1, { queue: 'held', in: '1h' })
  await jobs.workflow({}, (flow) => {
    flow.enqueueAll(fair, [1, 2], { dependsOn: held, ifNeedsFail: 'run' })
  })
  await held.cancel()
  const turns = database.all<{ turn: number }>(
    "select turn from handcar_jobs where name = 'fair' order by id",
  )
  assert.deepEqual(
    turns.map(({ turn }) => turn),
    [0, 1, 2, 0, 3, 1],
  )
})

test('a job in a thread gets the results of what it needs, too', async () => {
  const heavy = defineJob<{ what: string }, unknown>({
    name: 'heavy',
    runsIn: 'thread',
    file: new URL('../../../test/helpers/heavy-job.ts', import.meta.url),
  })
  await using context = await jobsForTest([heavy, number])
  const flow = await context.jobs.workflow({}, (flow) => {
    flow.add('seven', number, 7)
    flow.add('heavy', heavy, { what: 'needs' }, { dependsOn: 'seven' })
  })
  const seven = { kind: 'job', id: flow.job('seven')!.id, state: 'completed', result: 7 }
  assert.deepEqual(await flow.job('heavy')!.result({ timeout: '20s' }), { seven })
})

test('a member with the unique key of another job: who needs it waits for that one', async () => {
  order.length = 0
  await using context = await jobsForTest(all)
  const { jobs } = context
  const holder = await jobs.enqueue(step, 'holder', { in: '1h', unique: 'one' })
  const flow = await jobs.workflow({}, (flow) => {
    const same = flow.add('same', step, 'other', { unique: 'one' })
    flow.add('next', step, 'next', { dependsOn: same })
  })
  assert.equal(flow.job('same')!.id, holder.id)
  assert.deepEqual(statesOf(flow), { next: 'scheduled' })
  await jobs.reschedule(holder.id, new Date())
  const { needs } = (await flow.job('next')!.result({ timeout: '5s' })) as { needs: object }
  assert.deepEqual(needs, { same: { what: 'holder', needs: {} } })
})

test('a cancelled workflow leaves nothing behind that waits', async () => {
  await using context = await jobsForTest(all, { work: false })
  const { jobs, database } = context
  const flow = await jobs.workflow({ onFinish: { job: step, payload: 'end' } }, (flow) => {
    flow.add('a', step, 'a')
    flow.batch({ name: 'b', dependsOn: 'a' }, (batch) => void batch.enqueueAll(number, [1, 2]))
    flow.add('c', sum, undefined, { dependsOn: ['b', 'a'] })
  })
  await flow.cancel('enough')
  assert.deepEqual(flow.progress(), {
    state: 'cancelled',
    total: 4,
    pending: 0,
    completed: 0,
    discarded: 0,
    cancelled: 4,
  })
  assert.equal(await reasonOf(jobs, flow, 'c'), 'enough')
  assert.deepEqual(database.all("select 1 from handcar_job_dependencies where state = 'waiting'"), [])
  assert.deepEqual(database.all('select payload from handcar_jobs where finished_at is null'), [
    { payload: '"end"' },
  ])
})

test('a member may have any name', async () => {
  const answer = defineJob({ name: 'answer', perform: () => 5 })
  const reader = defineJob({
    name: 'reader',
    perform: async (_payload: undefined, job) => Object.entries(await job.needs()).map(([name]) => name),
  })
  await using context = await jobsForTest([answer, reader])
  const flow = await context.jobs.workflow({}, (flow) => {
    flow.add('__proto__', answer)
    flow.add('reader', reader, undefined, { dependsOn: '__proto__' })
  })
  assert.deepEqual(await flow.job('reader')!.result({ timeout: '5s' }), ['__proto__'])
})
