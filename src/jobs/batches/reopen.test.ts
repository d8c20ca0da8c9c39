import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { defineJob, discard, type Batch, type Jobs } from '../index.ts'
import { reopen } from './reopen.ts'
import type { Database } from '../../database/index.ts'

let isBroken = true
const calls: string[] = []
const fragile = defineJob({
  name: 'fragile',
  perform: (what: string) => {
    calls.push(what)
    return isBroken ? discard('broken') : what
  },
})
const solid = defineJob({ name: 'solid', perform: (what: string) => void calls.push(what) })
const tell = defineJob({ name: 'tell', queue: 'callbacks', perform: (what: string) => void calls.push(what) })
const all = [fragile, solid, tell]
const callbacks = {
  onSuccess: { job: tell, payload: 'success' },
  onFailure: { job: tell, payload: 'failure' },
  onFinish: { job: tell, payload: 'finish' },
}

/** What a retry does. */
async function retry(database: Database, ...ids: number[]): Promise<void> {
  await database.write((tx) => {
    for (const id of ids) {
      tx.run(
        "update handcar_jobs set state = 'available', finished_at = null, attempt = 0, cancel_reason = null where id = ?",
        [id],
      )
    }
    reopen(tx, ids)
    tx.touch('handcar.jobs')
  })
}

const statesOf = (flow: Batch) =>
  Object.fromEntries(flow.graph().jobs.map(({ name, state }) => [name, state]))
const begin = () => {
  isBroken = true
  calls.length = 0
}

test('a retry of the failed job opens its batch again, which then ends otherwise', async () => {
  begin()
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const batch = await jobs.batch(callbacks, (batch) => {
    batch.enqueue(fragile, 'job')
    batch.enqueue(solid, 'other')
  })
  await batch.wait({ timeout: '5s' })
  await jobs.drain()
  assert.deepEqual(calls, ['job', 'other', 'failure', 'finish'])
  isBroken = false
  await retry(database, 1)
  await batch.wait({ timeout: '5s' })
  await jobs.drain()
  assert.deepEqual(calls.slice(4), ['job', 'success', 'finish'])
  assert.deepEqual(batch.progress(), {
    state: 'completed',
    total: 2,
    pending: 0,
    completed: 2,
    discarded: 0,
    cancelled: 0,
  })
  assert.deepEqual(database.all('select closing, kind from handcar_job_callbacks order by job_id'), [
    { closing: 1, kind: 'failure' },
    { closing: 1, kind: 'finish' },
    { closing: 2, kind: 'success' },
    { closing: 2, kind: 'finish' },
  ])
})

test('callbacks that have not begun are taken back when the batch is opened again', async () => {
  begin()
  await using context = await jobsForTest(all, { work: { queues: ['default'] } })
  const { jobs, database } = context
  const outer = await jobs.batch(callbacks, (batch) => {
    batch.batch(callbacks, (inner) => void inner.enqueue(fragile, 'job'))
  })
  const inner = jobs.getBatch(outer.graph().batches[0]!.id)!
  await inner.wait({ timeout: '5s' })
  // The callbacks of the inner batch are jobs of the outer one.
  assert.deepEqual(outer.progress(), {
    state: 'open',
    total: 3,
    pending: 2,
    completed: 0,
    discarded: 1,
    cancelled: 0,
  })
  isBroken = false
  await retry(database, 1)
  await inner.wait({ timeout: '5s' })
  const waiting = database.all<{ payload: string }>(
    "select payload from handcar_jobs where state = 'available' order by id",
  )
  assert.deepEqual(
    waiting.map(({ payload }) => payload),
    ['"success"', '"finish"'],
  )
  await using worker = await jobsForTest(all, { database })
  await worker.jobs.drain()
  assert.equal((await outer.wait({ timeout: '5s' })).state, 'completed')
})

test('a batch that was closed around it is opened too', async () => {
  begin()
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const outer = await jobs.batch({ onFinish: { job: tell, payload: 'outer' } }, (batch) => {
    batch.batch({}, (middle) => {
      middle.batch(
        { onFinish: { job: tell, payload: 'inner' } },
        (inner) => void inner.enqueue(fragile, 'job'),
      )
    })
  })
  await outer.wait({ timeout: '5s' })
  await jobs.drain()
  isBroken = false
  await database.write(async (tx) => {
    await retry(database, 1)
    assert.equal(outer.state(), 'open')
    assert.deepEqual(tx.all('select state, pending from handcar_job_batches'), [
      { state: 'open', pending: 1 },
      { state: 'open', pending: 1 },
      { state: 'open', pending: 1 },
    ])
  })
  await outer.wait({ timeout: '5s' })
  await jobs.drain()
  assert.deepEqual(calls, ['job', 'inner', 'outer', 'job', 'inner', 'outer'])
  assert.deepEqual(database.all('select state, pending, closings from handcar_job_batches'), [
    { state: 'completed', pending: 0, closings: 2 },
    { state: 'completed', pending: 0, closings: 2 },
    { state: 'completed', pending: 0, closings: 2 },
  ])
})

async function brokenFlow(jobs: Jobs): Promise<Batch> {
  const flow = await jobs.workflow({}, (flow) => {
    flow.add('a', fragile, 'a')
    flow.add('b', fragile, 'b')
    flow.add('c', solid, 'c', { dependsOn: ['a', 'b'] })
    flow.batch({ name: 'd', dependsOn: 'c' }, (batch) => void batch.enqueue(solid, 'd'))
    flow.add('e', solid, 'e', { dependsOn: 'd' })
    flow.add('anyway', solid, 'anyway', { dependsOn: 'a', ifNeedsFail: 'run' })
  })
  await flow.wait({ timeout: '5s' })
  return flow
}

test('what was cancelled because of the job waits for it again', async () => {
  begin()
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const flow = await brokenFlow(jobs)
  const failed = { a: 'discarded', b: 'discarded', c: 'cancelled', e: 'cancelled', anyway: 'completed' }
  assert.deepEqual(statesOf(flow), failed)
  isBroken = false
  await retry(database, flow.job('a')!.id)
  await flow.wait({ timeout: '5s' })
  // The other one is still missing.
  assert.deepEqual(statesOf(flow), { ...failed, a: 'completed' })
  await retry(database, flow.job('b')!.id)
  assert.equal((await flow.wait({ timeout: '5s' })).state, 'completed')
  assert.deepEqual(calls.slice(-3), ['c', 'd', 'e'])
  assert.equal(calls.filter((call) => call === 'anyway').length, 1)
})

test('when all that have failed are retried together, they keep their order', async () => {
  begin()
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const flow = await brokenFlow(jobs)
  isBroken = false
  calls.length = 0
  const rows = database.all<{ id: number }>("select id from handcar_jobs where state <> 'completed'")
  await retry(database, ...rows.map(({ id }) => id))
  assert.equal((await flow.wait({ timeout: '5s' })).state, 'completed')
  assert.deepEqual(calls, ['a', 'b', 'c', 'd', 'e'])
})

test('a job that is retried alone runs without what has failed', async () => {
  begin()
  await using context = await jobsForTest(all)
  const { jobs, database } = context
  const flow = await brokenFlow(jobs)
  await retry(database, flow.job('c')!.id)
  await flow.job('e')!.result({ timeout: '5s' })
  assert.deepEqual(statesOf(flow), {
    a: 'discarded',
    b: 'discarded',
    c: 'completed',
    e: 'completed',
    anyway: 'completed',
  })
})

test('what somebody has cancelled stays cancelled', async () => {
  begin()
  await using context = await jobsForTest(all, { work: false })
  const { jobs, database } = context
  const flow = await jobs.workflow({}, (flow) => {
    flow.add('a', fragile, 'a')
    flow.add('b', solid, 'b', { dependsOn: 'a' })
  })
  await flow.job('b')!.cancel('not needed')
  await flow.job('a')!.cancel('nor this')
  assert.equal(flow.state(), 'cancelled')
  await retry(database, flow.job('a')!.id)
  assert.deepEqual(statesOf(flow), { a: 'available', b: 'cancelled' })
})

test('a cancelled batch can be opened again', async () => {
  begin()
  await using context = await jobsForTest(all, { work: false })
  const { jobs, database } = context
  const batch = await jobs.batch({}, (batch) => void batch.enqueue(solid, 'job'))
  await batch.cancel('enough')
  await retry(database, 1)
  assert.equal(batch.state(), 'open')
  await batch.add(solid, 'more')
  assert.equal(batch.progress().pending, 2)
})

test('so many that are retried together that it takes several writes keep their order, too', async () => {
  begin()
  await using context = await jobsForTest(all, { work: { slots: 50 } })
  const { jobs } = context
  const flow = await jobs.workflow({}, (flow) => {
    for (let n = 0; n < 2_500; n++) flow.enqueue(solid, String(n), { dependsOn: n % 2 === 0 ? 'a' : 'many' })
    flow.batch({ name: 'many' }, (batch) => {
      for (let n = 0; n < 10; n++) batch.enqueue(fragile, `many ${n}`)
    })
    flow.add('a', fragile, 'a')
  })
  assert.deepEqual((await flow.wait({ timeout: '20s' })).cancelled, 2_500)
  isBroken = false
  calls.length = 0
  await jobs.retry({ state: ['cancelled', 'discarded'] })
  const { state, completed } = await flow.wait({ timeout: '20s' })
  assert.deepEqual([state, completed], ['completed', 2_511])
  const places = new Map(calls.map((call, place) => [call, place]))
  const many = Math.max(...Array.from({ length: 10 }, (_, n) => places.get(`many ${n}`)!))
  for (let n = 0; n < 2_500; n++)
    assert.ok(places.get(String(n))! > (n % 2 === 0 ? places.get('a')! : many), `${n} came too early`)
})

test('jobs that no batch has cost nothing', async () => {
  await using context = await jobsForTest(all, { work: false })
  const { jobs, database } = context
  const handle = await jobs.enqueue(solid, 'job')
  await handle.cancel()
  await retry(database, handle.id)
  assert.equal(handle.state(), 'available')
})
