import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob, discard, type JobContext, type StepScope } from '../index.ts'

const quick = { first: 1, jitter: 0 }

test('a step is run once and gives its result to every later attempt', async () => {
  const runs: string[] = []
  const job = defineJob({
    name: 'job',
    backoff: quick,
    async perform(_: undefined, job) {
      const first = await job.step('first', () => {
        runs.push('first')
        return { at: new Date(0), nothing: undefined }
      })
      const second = await job.step('second', async () => void runs.push('second'))
      runs.push('between')
      if (runs.length < 4) throw new Error('again')
      return { first, second: second === undefined }
    },
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.deepEqual(await handle.result(), { first: { at: '1970-01-01T00:00:00.000Z' }, second: true })
  assert.deepEqual(runs, ['first', 'second', 'between', 'between'])
})

test('the first attempt sees what later ones will see: the result as JSON makes it', async () => {
  const job = defineJob({
    name: 'job',
    perform: async (_: undefined, job) => typeof (await job.step('date', () => new Date())),
  })
  await using context = await jobsForTest([job])
  assert.equal(await (await context.jobs.enqueue(job)).result(), 'string')
})

test('the key of a step is stored before it is called, and the same in every try', async () => {
  const keys: string[] = []
  const stored: unknown[] = []
  const job = defineJob({
    name: 'job',
    backoff: quick,
    async perform(_: undefined, job) {
      const call = ({ key, attempt }: StepScope): void => {
        keys.push(key)
        stored.push(
          job.database.get('select key, state, tries from handcar_job_steps where name = ?', ['call']),
        )
        if (attempt < 3) throw new Error('unreachable')
      }
      await job.step('call', call)
      await job.step('other', ({ key }) => void keys.push(key))
    },
  })
  await using context = await jobsForTest([job])
  await (await context.jobs.enqueue(job)).result()
  const [key, second, third, other] = keys
  assert.deepEqual([second, third], [key, key])
  assert.notEqual(other, key)
  assert.match(key!, /^[0-9a-f-]{36}$/)
  assert.deepEqual(
    stored,
    [1, 2, 3].map((tries) => ({ key, state: 'running', tries })),
  )
})

test('steps run side by side; what one of them returns is kept when another one fails', async () => {
  const runs: string[] = []
  const slow = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'job',
    backoff: quick,
    async perform(_: undefined, job) {
      return Promise.all([
        job.step('slow', async () => {
          runs.push('slow')
          await slow.promise
          return 1
        }),
        job.step('failing', ({ attempt }) => {
          runs.push('failing')
          setImmediate(() => slow.resolve())
          if (attempt === 1) throw new Error('first')
          return 2
        }),
      ])
    },
  })
  await using context = await jobsForTest([job])
  assert.deepEqual(await (await context.jobs.enqueue(job)).result(), [1, 2])
  assert.deepEqual(runs, ['slow', 'failing', 'failing'])
})

test('a step that nobody waited for is waited for, and its failure is the failure of the attempt', async () => {
  let tries = 0
  const job = defineJob({
    name: 'job',
    backoff: quick,
    perform(_: undefined, job) {
      void job.step('floating', async () => {
        await new Promise((resolve) => setImmediate(resolve))
        tries++
        if (tries === 1) throw new Error('unheard')
      })
      return 'done'
    },
  })
  await using context = await jobsForTest([job])
  const { jobs, database } = context
  assert.equal(await (await jobs.enqueue(job)).result(), 'done')
  assert.equal(tries, 2)
  assert.match(
    database.get<{ error: string }>('select error from handcar_job_errors')!.error,
    /The job went on although a step of it failed: Error: unheard/,
  )
})

test('a job that catches the error of a step has failed all the same, unless it says what becomes of it', async () => {
  const hiding = defineJob({
    name: 'hiding',
    maxAttempts: 1,
    async perform(_: undefined, job) {
      await job.step('failing', () => Promise.reject(new Error('hidden'))).catch(() => {})
      await job.step('next', () => 1).catch(() => {})
    },
  })
  const deciding = defineJob({
    name: 'deciding',
    async perform(_: undefined, job) {
      try {
        await job.step('failing', () => Promise.reject(new Error('hidden')))
        return 'done'
      } catch {
        return discard('not worth it')
      }
    },
  })
  await using context = await jobsForTest([hiding, deciding])
  const { jobs, database } = context
  const reasonOf = async (handle: { id: number; result(): Promise<unknown> }) => {
    await errorOf(() => handle.result())
    return database.get<{ reason: string }>('select reason from handcar_jobs where id = ?', [handle.id])!
      .reason
  }
  assert.match(
    await reasonOf(await jobs.enqueue(hiding)),
    /went on although a step of it failed: Error: hidden/,
  )
  assert.equal(await reasonOf(await jobs.enqueue(deciding)), 'not worth it')
  assert.equal(database.get("select 1 from handcar_job_steps where name = 'next'"), undefined)
})

test('a step with maxAttempts is tried again by itself; then its failure is kept and may be caught', async () => {
  const seen: string[] = []
  let attempts = 0
  const job = defineJob({
    name: 'job',
    maxAttempts: 2,
    backoff: quick,
    async perform(_: undefined, job) {
      attempts++
      const fail = ({ attempt }: StepScope): never => {
        seen.push(`try ${attempt}`)
        throw new RangeError('too far')
      }
      try {
        await job.step('failing', fail, { maxAttempts: 3, backoff: quick })
      } catch (error) {
        const { message, code, cause } = error as { message: string; code: string; cause: Error }
        seen.push(`${code} ${message} ${cause.name}`)
      }
      return job.step('last', () => {
        if (seen.length < 5) throw new Error('once more')
        return 'done'
      })
    },
  })
  await using context = await jobsForTest([job])
  assert.equal(await (await context.jobs.enqueue(job)).result(), 'done')
  const failure =
    'HANDCAR_JOB_STEP_FAILED Step "failing" failed after 3 tries: RangeError: too far RangeError'
  assert.deepEqual(seen, ['try 1', 'try 2', 'try 3', failure, failure])
  assert.equal(attempts, 4)
})

test('a job that does not catch the kept failure of a step is discarded: no attempt could change it', async () => {
  let attempts = 0
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      attempts++
      await job.step('failing', () => Promise.reject(new Error('no')), { maxAttempts: 1 })
    },
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.match(
    (await errorOf(() => handle.result())).message,
    /Step "failing" failed after its only try: Error: no/,
  )
  assert.equal(attempts, 1)
})

test('a step that takes too long is aborted and has failed', async () => {
  let reason: unknown
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    async perform(_: undefined, job) {
      const hang = ({ signal }: StepScope): Promise<void> => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return new Promise(() => {})
      }
      await job.step('slow', hang, { timeout: 20 })
    },
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.match((await errorOf(() => handle.result())).message, /Step "slow" was not done after 20 ms/)
  assert.equal((reason as { code: string }).code, 'HANDCAR_JOB_TIMEOUT')
})

test('what cannot be remembered is refused, and the attempt cannot hide it', async () => {
  const mistakes = {
    twice: async (job: JobContext) => {
      for (const user of [1, 2]) await job.step('mail', () => user)
    },
    'a cursor and a step': async (job: JobContext) => {
      await job.cursor('same')
      await job.step('same', () => 1)
    },
    'a step in a step': (job: JobContext) => job.step('outer', () => job.step('inner', () => 1)),
    'a sleep in a step': (job: JobContext) => job.step('outer', () => job.sleep('inner', '1h')),
    'a step in a transaction': (job: JobContext) =>
      job.database.write(async () => job.step('inner', () => 1)),
    'a sleep in a transaction': (job: JobContext) => job.database.write(async () => job.sleep('inner', '1h')),
    'a step with the wrong time': (job: JobContext) => job.step('step', () => 1, { timeout: -1 }),
    hidden: async (job: JobContext) => {
      await job.step('mail', () => 1)
      await job.step('mail', () => 2).catch(() => {})
    },
    'no name': (job: JobContext) => job.step('', () => 1),
    'no function': (job: JobContext) => job.step('step', 'text' as never),
    'an unknown option': (job: JobContext) => job.step('step', () => 1, { retries: 3 } as never),
    'no duration': (job: JobContext) => job.sleep('sleep', 'soon' as never),
    'no time': (job: JobContext) => job.sleepUntil('sleep', new Date(NaN)),
    'no event': (job: JobContext) => job.waitForEvent('wait', { event: '' }),
  }
  const job = defineJob({
    name: 'job',
    maxAttempts: 1,
    perform: (mistake: keyof typeof mistakes, job) => mistakes[mistake](job),
  })
  await using context = await jobsForTest([job])
  const reasons: Record<string, string> = {}
  for (const mistake of Object.keys(mistakes) as (keyof typeof mistakes)[]) {
    const handle = await context.jobs.enqueue(job, mistake)
    await errorOf(() => handle.result())
    reasons[mistake] = context.database
      .get<{ reason: string }>('select reason from handcar_jobs where id = ?', [handle.id])!
      .reason.split('\n')[0]!
  }
  assert.deepEqual(reasons, {
    twice: 'StateError: job "job" takes a second step "mail" in one attempt',
    'a cursor and a step': 'StateError: job "job" takes a second step "same" in one attempt',
    'a step in a step': 'StateError: step "inner" is taken inside step "outer"',
    'a sleep in a step': 'StateError: sleep "inner" is taken inside step "outer"',
    'a step in a transaction': 'StateError: step "inner" is taken inside a transaction',
    'a sleep in a transaction': 'StateError: sleep "inner" is taken inside a transaction',
    'a step with the wrong time': `OptionsError: job.step option "timeout": expected milliseconds, or a text such as '250ms', '5s', '10m', '2h', '7d', got number -1`,
    hidden:
      'StateError: The job went on although a step of it failed: StateError: job "job" takes a second step "mail" in one attempt',
    'no name': 'OptionsError: Name of a step: expected a string that is not empty, got ""',
    'no function': 'OptionsError: Step "step": expected a function, got "text"',
    'an unknown option': 'OptionsError: job.step has no option "retries"',
    'no duration': 'OptionsError: Sleep "sleep": expected a duration, got "soon"',
    'no time':
      'OptionsError: Sleep "sleep": expected a valid Date, or milliseconds since 1970, got an instance of Date',
    'no event': 'OptionsError: waitForEvent option "event": expected a string that is not empty, got ""',
  })
})

test('a job whose step returned what cannot be kept is given up: trying it again would only run the step again', async () => {
  let runs = 0
  const results: Record<string, () => unknown> = {
    function: () => ({ send: () => {} }),
    large: () => 'x'.repeat(2_000),
    cycle: () => {
      const object: Record<string, unknown> = {}
      return (object['self'] = object)
    },
  }
  const job = defineJob({
    name: 'job',
    perform: (what: string, job) =>
      job.step('step', () => {
        runs++
        return results[what]!()
      }),
  })
  await using context = await jobsForTest([job], { maxPayload: 1_000 })
  for (const what of Object.keys(results)) {
    const handle = await context.jobs.enqueue(job, what)
    assert.match(
      (await errorOf(() => handle.result())).message,
      /discarded: OptionsError: The result of step "step" of job "job"/,
    )
  }
  assert.equal(runs, 3)
})

test('code may change between attempts: done steps keep their results, new ones run; another kind is an error', async () => {
  const first = defineJob({
    name: 'job',
    backoff: quick,
    async perform(_: undefined, job) {
      await job.step('a', () => 'old a')
      await job.step('gone', () => 'gone')
      await job.step('b', () => Promise.reject(new Error('bug')))
    },
  })
  const second = defineJob({
    name: 'job',
    backoff: quick,
    perform: async (_: undefined, job) => [
      await job.step('before', () => 'new'),
      await job.step('b', () => 'new b'),
      await job.step('a', () => 'new a'),
    ],
  })
  const third = defineJob({
    name: 'job',
    maxAttempts: 1,
    perform: (_: undefined, job) => job.sleep('a', 1),
  })
  await using old = await jobsForTest([first])
  const { database } = old
  const handle = await old.jobs.enqueue(first)
  const other = await old.jobs.enqueue(first)
  await waitUntil(
    'both have failed',
    () => database.all('select distinct job_id from handcar_job_errors').length === 2,
  )
  await old.jobs.stop()
  await database.run("update handcar_jobs set name = 'other' where id = ?", [other.id])
  {
    await using young = await jobsForTest([second], { database })
    assert.ok(young)
    assert.deepEqual(await handle.result(), ['new', 'new b', 'old a'])
  }
  await database.run("update handcar_jobs set name = 'job', attempt = 0, max_attempts = 1 where id = ?", [
    other.id,
  ])
  await using younger = await jobsForTest([third], { database })
  const sameOther = await waitUntilEnded(younger.database, other.id)
  assert.match(sameOther, /Step "a" is remembered as a step and is a sleep now/)
})

test('a step that comes further begins to count the attempts anew', async () => {
  const attempts: number[] = []
  const job = defineJob({
    name: 'job',
    backoff: quick,
    maxAttempts: 2,
    async perform(_: undefined, job) {
      for (const name of ['a', 'b', 'c']) {
        await job.step(name, ({ attempt }) => {
          attempts.push(job.attempt)
          if (attempt === 1) throw new Error(name)
        })
      }
      attempts.push(job.attempt)
    },
  })
  await using context = await jobsForTest([job])
  await (await context.jobs.enqueue(job)).result()
  assert.deepEqual(attempts, [1, 2, 2, 2, 2, 2, 2])
})

async function waitUntilEnded(
  database: { get<Row>(text: string, parameters: number[]): Row | undefined },
  id: number,
): Promise<string> {
  const row = () =>
    database.get<{ state: string; reason: string }>('select state, reason from handcar_jobs where id = ?', [
      id,
    ])!
  await waitUntil('it has ended', () => row().state === 'discarded')
  return row().reason
}

test('an attempt whose job was given to somebody else leaves no trace', async () => {
  const codes: (string | undefined)[] = []
  const job = defineJob({
    name: 'job',
    async perform(_: undefined, job) {
      const cursor = await job.cursor('cursor', 0)
      const lost = job.step('running', () =>
        job.database.run('update handcar_jobs set claims = claims + 1 where id = ?', [job.id]),
      )
      codes.push(await codeOf(() => lost))
      codes.push(await codeOf(() => cursor.save(1)))
      return 'done'
    },
  })
  const late = defineJob({
    name: 'late',
    async perform(_: undefined, job) {
      await job.database.run('update handcar_jobs set claims = claims + 1 where id = ?', [job.id])
      codes.push(await codeOf(() => job.write('write', (tx) => tx.run('delete from handcar_jobs'))))
    },
  })
  await using context = await jobsForTest([job, late])
  const { jobs, database, logger } = context
  await jobs.enqueue(job)
  await jobs.enqueue(late)
  await waitUntil('both came too late', () => {
    return logger.lines.filter(({ message }) => message.includes('came too late')).length === 2
  })
  assert.deepEqual(new Set(codes), new Set(['HANDCAR_JOB_CLAIM_LOST']))
  assert.equal(codes.length, 3)
  assert.deepEqual(database.all('select name, state from handcar_job_steps'), [
    { name: 'running', state: 'running' },
  ])
})

test('a transactional job takes no steps: it is one', async () => {
  const job = defineJob({
    name: 'job',
    transactional: true,
    maxAttempts: 1,
    perform: (_: undefined, job) => job.write('inner', () => 1),
  })
  await using context = await jobsForTest([job])
  const handle = await context.jobs.enqueue(job)
  assert.match((await errorOf(() => handle.result())).message, /write "inner" is taken inside a transaction/)
})
