import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { Database } from '../../database/index.ts'
import { FakeClock, temporaryDatabase } from '../../testing/index.ts'
import { defineJob, defineRecurring, Jobs } from '../index.ts'

const minute = 60_000

/** A job that ends only when it is told to, and one that ends at once. */
const quick = defineJob({ name: 'quick', perform: (_: undefined) => undefined })

interface Tick {
  at: string
  job: number | null
  skipped: string | null
}

function ticksOf(database: Database, name: string): Tick[] {
  return database
    .all<{ tick_at: number; job_id: number | null; skipped: string | null }>(
      'select tick_at, job_id, skipped from handcar_job_ticks where name = ? order by tick_at',
      [name],
    )
    .map(({ tick_at, job_id, skipped }) => ({ at: new Date(tick_at).toISOString(), job: job_id, skipped }))
}

const countOf = (database: Database, text: string): number =>
  database.get<{ n: number }>(`select count(*) as n from ${text}`)!.n

test('each tick makes one job, by one timer', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 0, 30))
  const recurring = [defineRecurring({ name: 'every-5', job: quick, every: '5m' })]
  await using context = await jobsForTest([], { clock, recurring })
  const { database } = context
  assert.equal(clock.nextTimer, Date.UTC(2026, 0, 1, 12, 5))
  for (let count = 1; count <= 3; count++) {
    clock.set(Date.UTC(2026, 0, 1, 12, 5 * count))
    await waitUntil('the tick is done', () => ticksOf(database, 'every-5').length === count)
    await waitUntil('the job is done', () => countOf(database, "handcar_jobs where state = 'completed'") === count)
    await waitUntil('the timer is set', () => clock.nextTimer === Date.UTC(2026, 0, 1, 12, 5 * count + 5))
  }
  assert.deepEqual(
    ticksOf(database, 'every-5').map(({ at }) => at),
    ['2026-01-01T12:05:00.000Z', '2026-01-01T12:10:00.000Z', '2026-01-01T12:15:00.000Z'],
  )
})
