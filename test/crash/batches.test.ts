import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'
import { Jobs, type BatchBuilder } from '../../src/jobs/index.ts'
import { Child } from '../helpers/child.ts'
import { crashBatches, createTables } from '../helpers/crash-batches.ts'
import { jobsForTest } from '../helpers/jobs.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 500 : 12
const perRound = 4
const { member, closed } = crashBatches
const callbacks = {
  onSuccess: { job: closed, payload: 'success' },
  onFailure: { job: closed, payload: 'failure' },
  onFinish: { job: closed, payload: 'finish' },
}

/** A batch with one nested in it, and jobs that wait for one another and for that. */
function fill(flow: BatchBuilder): void {
  const first = [flow.enqueue(member, false), flow.enqueue(member, false)]
  const nested = flow.batch({ ...callbacks, dependsOn: first[0]! }, (batch) => {
    batch.enqueueAll(member, [false, false, true])
  })
  flow.enqueue(member, true, { dependsOn: [...first, nested] })
  flow.enqueueAll(member, [false, false, true])
}

test(
  `workers are killed ${rounds} times: every batch closes once, in the commit of its last job`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
    await database.start()
    for (const text of createTables) await database.run(text)
    // Rescues, and works on nothing.
    await using context = await jobsForTest(Object.values(crashBatches), {
      database,
      work: { queues: ['none'] },
    })
    const { jobs } = context
    const start = () => Child.start('batches-worker-process', { path, slots: 4 })
    const children = [start(), start()]
    const count = (text: string) => database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n
    try {
      for (let round = 0; round < rounds; round++) {
        for (let n = 0; n < perRound; n++) await jobs.workflow(callbacks, fill)
        const victim = children.shift()!
        await victim.next().catch(() => {})
        await sleep(Math.random() * 150)
        // Nothing is ever between: a batch of which nothing is pending is closed.
        assert.equal(count("handcar_job_batches where (pending = 0) <> (state = 'completed')"), 0)
        await victim.kill()
        await jobs.rescue({ pid: victim.pid, signal: 'SIGKILL' })
        children.push(start())
      }
      await waitUntil(
        'all jobs have ended',
        async () => {
          for (const [index, child] of children.entries()) {
            // Some kill themselves.
            if ((await Promise.race([child.ended(), sleep(1, 'alive')])) === 'alive') continue
            await jobs.rescue({ pid: child.pid })
            children[index] = start()
          }
          return count("handcar_jobs where state <> 'completed'") === 0
        },
        300_000,
      )
    } finally {
      for (const child of children) await child.kill()
    }
    const batches = rounds * perRound * 2
    assert.equal(
      count("handcar_job_batches where state = 'completed' and closings = 1 and pending = 0"),
      batches,
    )
    assert.deepEqual(database.all('select kind, count(*) as n from calls where closing = 1 group by kind'), [
      { kind: 'finish', n: batches },
      { kind: 'success', n: batches },
    ])
    assert.equal(count('calls'), 2 * batches)
    assert.equal(count('effects'), count('handcar_jobs'))
    const wrong = `handcar_job_batches as batch where total <> (select count(*) from handcar_jobs where batch_id = batch.id)
      or completed <> total`
    assert.equal(count(wrong), 0)
    const early = `handcar_job_dependencies as dependency
      join effects as own on own.job = dependency.job_id
      join effects as needed on needed.job = dependency.needs_id and dependency.needs = 'job'
      where needed.id > own.id`
    assert.equal(count(early), 0)
    assert.equal(count("handcar_job_dependencies where state <> 'met'"), 0)
    assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
  },
)
