import { test } from 'node:test'
import { temporaryDatabase } from '../../testing/index.ts'
import { Jobs } from '../index.ts'
import * as sql from './sql.ts'
import { assertPlans } from '../../../test/helpers/plans.ts'

/** What meets many recurring jobs, or many ticks, goes through an index; `selectTickedInFuture` runs at the start only. */
const plans: Partial<Record<keyof typeof sql, string[]>> = {
  selectDueRecurring: ['handcar_job_recurring_for_tick (next_at>? AND next_at<?)'],
  selectNextTick: ['handcar_job_recurring_for_tick (next_at>?)'],
  selectTick: ['PRIMARY KEY (name=? AND tick_at=?)'],
  selectTicks: ['PRIMARY KEY (name=?)'],
  selectUnfinishedJob: ['INTEGER PRIMARY KEY (rowid=?)'],
}

test('every statement that meets many rows goes through its index, and nothing is sorted', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await assertPlans(database, sql, plans, [/SCAN handcar|TEMP B-TREE/])
})
