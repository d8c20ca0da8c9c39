import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { Child } from '../helpers/child.ts'
import { crashSteps, createStepEffects, killPoints, type OutsideEffect } from '../helpers/crash-steps.ts'
import { jobsForTest, type JobsForTest } from '../helpers/jobs.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 500 : 12
const jobsPerRound = 20
/** Names of the steps with effects outside the database, in the order in which they are taken; the last two side by side. */
const order = ['1', '3', '4']

function outsideEffects(file: string): OutsideEffect[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split(' ') as OutsideEffect)
}

/** What must hold whoever was killed, whenever: returns how often a step was run that had been run before. */
function assertNothingBrokenIn({ database }: Pick<JobsForTest, 'database'>, file: string): number {
  const keys = new Map<string, string>()
  const last = new Map<string, number>()
  let repeated = 0
  for (const [job, step, key] of outsideEffects(file)) {
    const place = Math.min(order.indexOf(step), 1)
    assert.ok(place >= (last.get(job) ?? 0), `job ${job} went back to step ${step}`)
    last.set(job, place)
    const name = `${job} ${step}`
    if (keys.has(name)) {
      repeated++
      assert.equal(keys.get(name), key, `step ${step} of job ${job} got another key`)
    }
    keys.set(name, key)
  }
  assert.equal(new Set(keys.values()).size, keys.size, 'each step has a key of its own')
  assert.deepEqual(
    database.all(`
      select job, effect from effects
      where effect = '2' and not exists (select 1 from handcar_job_steps where job_id = job and name = '2' and state = 'done')`),
    [],
    'a write without its record',
  )
  assert.deepEqual(
    database.all(`
      select job_id from handcar_job_steps
      where (name = '2' and not exists (select 1 from effects where job = job_id and effect = '2'))
        or (name = 'rows' and result <> (select count(*) from effects where job = job_id and effect like 'row %'))`),
    [],
    'a record without its rows',
  )
  return repeated
}

test(
  'a process is killed at every point of a job: at most the step that ran is run again',
  { timeout: 600_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    const outside = folder.file('outside')
    await using database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
    await database.start()
    await database.run(createStepEffects)
    const definitions = crashSteps(outside)
    // Rescues, and works on nothing.
    await using context = await jobsForTest(Object.values(definitions), {
      database,
      work: { queues: ['none'] },
    })
    const start = () => Child.start('steps-worker-process', { path, outside, slots: 1 })
    // Each process finishes the job that has killed the one before, and is killed by the next one.
    let child = start()
    try {
      for (const point of killPoints) {
        const before = outsideEffects(outside).length
        await child.next()
        const handle = await context.jobs.enqueue(definitions.suicide, point)
        await context.jobs.emit(`answer:${handle.id}`, 10)
        assert.equal(await child.ended(), 'SIGKILL', point)
        assertNothingBrokenIn(context, outside)
        await context.jobs.rescue({ pid: child.pid, signal: 'SIGKILL' })
        child = start()
        assert.equal(await handle.result({ timeout: '60s' }), 21, point)
        assertNothingBrokenIn(context, outside)
        const runs = outsideEffects(outside).slice(before)
        assert.equal(runs.length, point === 'in a step' ? 4 : 3, point)
        assert.equal(
          database.get<{ n: number }>('select count(*) as n from effects where job = ?', [handle.id])!.n,
          6,
        )
      }
    } finally {
      await child.kill()
    }
  },
)

test(
  `workers are killed ${rounds} times: steps are not lost, nor run again once they are done`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    const outside = folder.file('outside')
    await using database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
    await database.start()
    await database.run(createStepEffects)
    const { victim } = crashSteps(outside)
    await using context = await jobsForTest([victim], { database, work: { queues: ['none'] } })
    const slots = 8
    const start = () => Child.start('steps-worker-process', { path, outside, slots })
    const children = [start(), start()]
    try {
      for (let round = 0; round < rounds; round++) {
        const handles = await context.jobs.enqueueAll(victim, Array(jobsPerRound).fill(undefined))
        const dying = children.shift()!
        await dying.next()
        await sleep(Math.random() * 100)
        // Some hear their event before they wait for it, some while they do.
        await database.write(() => {
          for (const { id } of handles) void context.jobs.emit(`answer:${id}`, 10)
        })
        await sleep(Math.random() * 50)
        await dying.kill()
        assertNothingBrokenIn(context, outside)
        await context.jobs.rescue({ pid: dying.pid, signal: 'SIGKILL' })
        children.push(start())
      }
      const left = () =>
        database.get<{ n: number }>("select count(*) as n from handcar_jobs where state <> 'completed'")!.n
      await waitUntil('all jobs have ended', () => left() === 0, 120_000)
      const repeated = assertNothingBrokenIn(context, outside)
      // A kill can interrupt the steps that run, two of a job at most, and no others.
      assert.ok(repeated <= rounds * slots * 2, `${repeated} steps were run again`)
      const count = (text: string) => database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n
      assert.equal(count('handcar_jobs'), rounds * jobsPerRound)
      assert.equal(count('effects'), rounds * jobsPerRound * 6)
      assert.equal(count("handcar_jobs where result = '21'"), rounds * jobsPerRound)
      assert.equal(count("handcar_job_steps where state <> 'done' and kind <> 'cursor'"), 0)
      assert.equal(
        new Set(outsideEffects(outside).map(([job, step]) => `${job} ${step}`)).size,
        rounds * jobsPerRound * 3,
      )
    } finally {
      for (const child of children) await child.kill()
    }
  },
)
