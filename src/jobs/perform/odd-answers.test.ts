import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { cancel, defineJob, discard, retryAfter, snooze, type JobContext } from '../index.ts'

interface Row {
  state: string
  reason: string | null
  scheduled_at: number | null
}

function failWith(properties: object): () => never {
  return () => {
    throw Object.defineProperties(new Error('x'), Object.getOwnPropertyDescriptors(properties))
  }
}

const fail = failWith({})
const latest = 8.64e15
const anything = {} as never

/** What code may do that is not what the types say, with what is to become of its job. */
const odd: Record<string, [options: object, state: string, reason?: string | null]> = {
  'a back-off that throws': [{ backoff: fail, perform: fail }, 'retryable', 'Error: x'],
  'a back-off that throws later': [{ backoff: fail, perform: async () => fail() }, 'retryable', 'Error: x'],
  'a back-off without end': [{ backoff: () => Infinity, perform: fail }, 'retryable', 'Error: x'],
  'a back-off that is no number': [{ backoff: () => 'soon', perform: fail }, 'retryable', 'Error: x'],
  'a stack of call sites': [{ perform: failWith({ stack: ['a', 'b'] }) }, 'retryable', 'Error: x'],
  'a message that is none': [
    { perform: failWith({ message: { code: 5 } }) },
    'retryable',
    'Error: {"code":5}',
  ],
  'a message that throws': [
    // oxlint-disable-next-line getter-return -- it never comes to that
    {
      perform: failWith({
        get message() {
          return fail()
        },
      }),
    },
    'retryable',
    'something that cannot be shown',
  ],
  'an error as the reason': [
    { perform: () => discard(new Error('gone') as never) },
    'discarded',
    'Error: gone',
  ],
  'an object as the reason': [{ perform: () => cancel(anything) }, 'cancelled', '{}'],
  'an object as the reason of a retry': [{ perform: () => retryAfter('1h', anything) }, 'retryable', '{}'],
  'a policy with an object': [{ perform: fail, onError: () => discard(anything) }, 'discarded', '{}'],
  'a snooze for ever': [{ perform: () => snooze(1e300) }, 'scheduled', null],
  'a sleep for ever': [
    { perform: (_: undefined, job: JobContext) => job.sleep('a', 1e300) },
    'scheduled',
    null,
  ],
  'a part of a millisecond': [
    { perform: (_: undefined, job: JobContext) => job.sleep('a', '1.5ms') },
    'completed',
    null,
  ],
  'a timeout of a month': [
    { timeout: '30d', perform: () => new Promise((end) => setTimeout(end, 20)) },
    'completed',
  ],
}

for (const [name, [options, state, reason = null]] of Object.entries(odd)) {
  test(`${name} holds up no other job`, async () => {
    const strange = defineJob({ name: 'strange', ...options })
    const other = defineJob({ name: 'other', perform: () => 5 })
    await using context = await jobsForTest([strange, other])
    const { id } = await context.jobs.enqueue(strange)
    const row = (): Row =>
      context.database.get<Row>('select state, reason, scheduled_at from handcar_jobs where id = ?', [id])!
    await waitUntil('it has come to something', () => row().state === state)
    assert.equal(row().reason, reason)
    assert.ok((row().scheduled_at ?? 0) <= latest)
    assert.equal(await (await context.jobs.enqueue(other)).result({ timeout: '5s' }), 5)
  })
}

test('times that no Date can show are refused, and waits may be longer than a timer', async () => {
  const job = defineJob({ name: 'job', perform: () => 5 })
  await using context = await jobsForTest([job])
  const { jobs } = context
  await assert.rejects(jobs.enqueue(job, undefined, { at: 1e300 }), { code: 'HANDCAR_OPTION_INVALID' })
  await assert.rejects(jobs.reschedule({}, 1e300), { code: 'HANDCAR_OPTION_INVALID' })
  await jobs.enqueue(job, undefined, { in: 1e300, unique: { key: 'a', for: 1e300 } })
  await jobs.emit('event', null, { keep: 1.5 })
  await jobs.emit('event', null, { keep: 1e300 })
  const handle = await jobs.enqueue(job, undefined, { in: 50 })
  assert.equal(await handle.result({ timeout: '30d' }), 5)
})

test('a completion that is taken back with the transaction around it has not happened', async () => {
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    async perform(_payload: undefined, job) {
      await job.database.write(async () => {
        await job.complete()
        throw new Error('taken back')
      })
    },
  })
  const kept = defineJob({
    name: 'kept',
    perform: (_payload: undefined, job) => job.database.write(() => job.complete(() => 5)),
  })
  await using context = await jobsForTest([job, kept])
  const handle = await context.jobs.enqueue(job)
  await waitUntil('it is discarded', () => handle.state() === 'discarded')
  assert.equal(await (await context.jobs.enqueue(kept)).result({ timeout: '5s' }), 5)
})
