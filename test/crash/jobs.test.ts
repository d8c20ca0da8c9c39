import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { Child } from '../helpers/child.ts'
import { crashJobs, createEffects, createRuns } from '../helpers/crash-jobs.ts'
import { jobsForTest } from '../helpers/jobs.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 5_000 : 40
const jobsPerRound = 60

test(
  `workers are killed ${rounds} times: every job ends once, every effect happens once`,
  { timeout: 3_600_000 },
  async (t) => {
    const random = new Random()
    t.diagnostic(`seed ${random.seed}`)
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
    await database.start()
    await database.run(createRuns)
    await database.run(createEffects)
    const jobs = crashJobs(database)
    // Rescues, and works on nothing.
    await using context = await jobsForTest(Object.values(jobs), { database, work: { queues: ['none'] } })
    let enqueued = 0
    const start = () => Child.start('jobs-worker-process', { path, slots: 8 })
    const children = [start(), start(), start()]
    try {
      for (let round = 0; round < rounds; round++) {
        const payloads = Array.from({ length: jobsPerRound }, (_, n) => ({ key: n % 20 }))
        enqueued += (await context.jobs.enqueueAll(jobs.effect, payloads)).length
        const victim = children.shift()!
        await victim.next()
        await sleep(random.next() * 80)
        await victim.kill()
        await context.jobs.rescue({ pid: victim.pid, signal: 'SIGKILL' })
        children.push(start())
      }
      const left = () =>
        database.get<{ n: number }>("select count(*) as n from handcar_jobs where state <> 'completed'")!.n
      await waitUntil('all jobs have ended', () => left() === 0, 120_000)
      const count = (text: string) => database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n
      assert.equal(count('handcar_jobs'), enqueued)
      assert.equal(count('effects'), enqueued)
      assert.equal(count('(select distinct job from runs)'), enqueued)
      assert.equal(count("handcar_jobs where state = 'completed' and finished_at is null"), 0)
      assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
      assert.equal(count('handcar_jobs where blocked <> 0'), 0)
    } finally {
      for (const child of children) await child.kill()
    }
  },
)
