import { test } from 'node:test'
import { temporaryDatabase } from '../../testing/index.ts'
import { Jobs } from '../index.ts'
import * as sql from './sql.ts'
import { assertPlans } from '../../../test/helpers/plans.ts'

const step = 'SEARCH handcar_job_steps USING PRIMARY KEY'

/** How SQLite runs the statements: which index each look goes through. */
const plans: Record<keyof typeof sql, string[]> = {
  selectStep: [`${step} (job_id=? AND name=?)`],
  beginStep: [],
  finishStep: [`${step} (job_id=? AND name=?)`],
  failStep: [`${step} (job_id=? AND name=?)`],
  insertWrite: [],
  insertSleep: [],
  putWait: [],
  endWait: [`${step} (job_id=? AND name=?)`],
  saveCursor: [],
  countAttemptsAnew: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
  selectDoneStep: [`${step} (job_id=? AND name=?)`],
  selectHeard: [`${step} (job_id=?)`],
  selectEvent: ['handcar_job_events_for_wait (event=? AND after_job>?)'],
  insertEvent: ['SEARCH handcar_jobs'],
  selectUndelivered: ['handcar_job_events_for_delivery'],
  selectUndeliveredOfName: ['handcar_job_events_for_delivery (event=?)'],
  setDelivering: ['SEARCH handcar_job_events USING INTEGER PRIMARY KEY'],
  selectWaiting: ['handcar_job_steps_for_event (event=? AND job_id<?)'],
  wakeJob: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
  deleteExpiredEvents: ['handcar_job_events_for_pruning (expires_at<?)'],
  forgetSteps: [`${step} (job_id=?)`],
  forgetFailures: [`${step} (job_id=?)`],
}

test('every statement of steps and events goes through its index', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await assertPlans(database, sql, plans, [
    /SCAN handcar_job(?!_events USING INDEX handcar_job_events_for_delivery)/,
    /TEMP B-TREE/,
  ])
})
