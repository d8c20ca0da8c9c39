import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { readSchedule } from '../../src/jobs/recurring/schedule.ts'
import { Child } from '../helpers/child.ts'
import { recurringJobs } from '../helpers/recurring-jobs.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 1_000 : 15

interface TickRow {
  name: string
  tick_at: number
  job_id: number | null
}

test(
  `processes that tick are killed ${rounds} times: each tick makes one job, and none is left out`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
    await database.start()
    // Edits and performs nothing.
    await using jobs = new Jobs({ database })
    await jobs.start()
    const start = () => Child.start('recurring-process', { path })
    const children = [start(), start(), start()]
    try {
      for (let round = 0; round < rounds; round++) {
        const victim = children.shift()!
        await victim.next()
        // Around the second, where the ticks are.
        await sleep(1_000 - (Date.now() % 1_000) + Math.random() * 40 - 10)
        await victim.kill()
        // Now and then nobody is there.
        if (round % 5 === 4) for (const child of children.splice(0)) await child.kill()
        while (children.length < 3) children.push(start())
        if (round % 3 === 0) await jobs.recurring.pause('paused')
        else await jobs.recurring.resume('paused')
      }
      const count = () => database.get<{ n: number }>('select count(*) as n from handcar_job_ticks')!.n
      const before = count()
      await waitUntil('it still ticks', () => count() >= before + 10, 60_000)
    } finally {
      for (const child of children) await child.kill()
    }
    const ticks = database.all<TickRow>(
      'select name, tick_at, job_id from handcar_job_ticks order by name, tick_at',
    )
    for (const { name, settings } of recurringJobs) {
      const times = ticks.filter((tick) => tick.name === name).map(({ tick_at }) => tick_at)
      assert.ok(times.length > rounds / 3, `${name}: ${times.length} ticks`)
      if (name === 'paused') continue
      const schedule = readSchedule(settings.schedule, 'UTC')
      assert.deepEqual(times, schedule.last(100_000, times[0]!, times.at(-1)!), name)
    }
    const jobsOfTicks = database.all<{ id: number; name: string; at: number }>(
      "select id, payload ->> 'name' as name, payload ->> 'at' as at from handcar_jobs order by name, at",
    )
    assert.deepEqual(
      jobsOfTicks,
      ticks.map(({ name, tick_at, job_id }) => ({ id: job_id, name, at: tick_at })),
    )
    assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
  },
)
