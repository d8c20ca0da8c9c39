import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../../testing/index.ts'
import { Jobs } from '../jobs.ts'
import * as sql from './sql.ts'
import { assertPlans } from '../../../test/helpers/plans.ts'

const walk = ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)']
const byId = ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY']

/** How SQLite runs the statements: what a table of any size is looked into by. */
const plans: Record<keyof typeof sql, string[]> = {
  walkJobs: walk,
  walkIds: walk,
  countOfWalk: walk,
  pickJobs: byId,
  pickIds: byId,
  countOfPick: byId,
  selectSlice: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY (rowid<?)'],
  selectAvailable: ['handcar_jobs_for_claim', 'handcar_jobs_for_unblocking', 'handcar_jobs_for_unparking'],
  selectWaitingForTime: ['handcar_jobs_for_promotion'],
  selectRunning: ['handcar_jobs_for_rescue'],
  selectEnded: ['handcar_jobs_for_pruning (state=? AND finished_at>? AND finished_at<?)'],
  selectMembers: ['handcar_jobs_for_batch (batch_id=?)'],
  retryJobs: byId,
  endJobs: byId,
  cancelRunningJobs: byId,
  rescheduleJobs: byId,
  deleteJobs: byId,
  selectEditable: byId,
  editJob: byId,
  logJobs: ['SCAN json_each'],
  selectJob: byId,
  selectErrors: ['SEARCH handcar_job_errors USING PRIMARY KEY (job_id=?)'],
  selectLogs: ['handcar_job_logs_for_job (job_id=?)'],
  selectRunnable: ['handcar_jobs_for_claim (queue=?)'],
  selectLimited: ['handcar_jobs_for_unblocking'],
  selectRunningOf: ['handcar_jobs_for_rescue'],
  selectDueOf: ['handcar_jobs_for_promotion (scheduled_at<?)'],
  insertPause: [],
  deletePause: ['SEARCH handcar_job_pauses USING PRIMARY KEY'],
  selectSteps: ['SEARCH handcar_job_steps USING PRIMARY KEY (job_id=?)'],
  selectNeeds: ['SEARCH dependency USING PRIMARY KEY (job_id=?)'],
  selectNeededBy: ['handcar_job_dependencies_for_needed (needs=? AND needs_id=?)'],
  selectBatch: ['SEARCH handcar_job_batches USING INTEGER PRIMARY KEY'],
}

test('every statement goes through its index, and none looks at the whole table', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await assertPlans(database, sql, plans, [/SCAN handcar_jobs(?! USING)/])
})

test('every statement has a plan that is looked at', () => {
  assert.deepEqual(Object.keys(plans).sort(), Object.keys(sql).sort())
})
