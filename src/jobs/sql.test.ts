import { test } from 'node:test'
import { temporaryDatabase } from '../testing/index.ts'
import { Jobs } from './index.ts'
import * as sql from './sql.ts'
import { assertPlans } from '../../test/helpers/plans.ts'

/** How SQLite runs the statements that meet many jobs: which index each look goes through. */
const plans: Partial<Record<keyof typeof sql, string[]>> = {
  claimJobs: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY', 'handcar_jobs_for_claim (queue=?)'],
  completeJobs: ['SCAN json_each', 'SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
  finishJob: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
  selectQueues: ['handcar_jobs_for_claim', 'handcar_jobs_for_claim (queue>?)'],
  selectClaimable: ['handcar_jobs_for_claim (queue=?)'],
  selectTurnOfQueue: ['handcar_jobs_for_claim (queue=? AND priority=?)'],
  selectLastTurn: ['handcar_jobs_for_turns (queue=? AND fair_key=?)'],
  promoteJobs: [
    'SEARCH handcar_jobs USING INTEGER PRIMARY KEY',
    'handcar_jobs_for_promotion (scheduled_at<?)',
  ],
  selectNextDue: ['handcar_jobs_for_promotion (scheduled_at>?)'],
  selectJobsOfWorker: ['handcar_jobs_for_rescue (worker_id=?)'],
  countRunningOfQueue: ['SCAN handcar_jobs USING INDEX handcar_jobs_for_rescue'],
  selectStrayWorkers: ['SCAN handcar_jobs USING COVERING INDEX handcar_jobs_for_rescue'],
  hasRunningJobs: ['handcar_jobs_for_rescue (worker_id=?)'],
  selectCancelledJobs: ['handcar_jobs_for_cancelling (worker_id=?)'],
  countRunning: ['handcar_jobs_for_limit (limit_key=?)'],
  unblockJobs: [
    'handcar_jobs_for_unblocking (limit_key=? AND queue=?)',
    'SEARCH handcar_jobs USING INTEGER PRIMARY KEY',
  ],
  selectBlockedKeys: ['handcar_jobs_for_unblocking', 'handcar_jobs_for_unblocking (limit_key>?)'],
  unparkJobs: [
    'SEARCH handcar_jobs USING INTEGER PRIMARY KEY',
    'handcar_jobs_for_unparking (name=? AND blocked=? AND version<?)',
  ],
  countUnreadable: ['handcar_jobs_for_unparking (name=? AND blocked=? AND version<?)'],
  selectUnparkable: ['handcar_jobs_for_unparking (name=? AND blocked=? AND version<?)'],
  holdJob: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
  holdJobs: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY', 'handcar_jobs_for_claim (queue=?)'],
  selectHeld: ['handcar_jobs_for_unparking (name=? AND blocked=?)'],
  releaseHeld: ['handcar_jobs_for_unparking (name=? AND blocked=?)'],
  selectParkedNames: ['handcar_jobs_for_unparking (name>?)'],
  selectHolderOfKey: ['handcar_jobs_for_uniqueness (unique_key=?)'],
  selectOtherWorkers: ['handcar_job_workers_for_rescue'],
  cancelWaitingJob: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
  countDiscarded: ['handcar_jobs_for_pruning (state=?'],
  selectState: ['SEARCH handcar_jobs USING INTEGER PRIMARY KEY'],
}

test('every statement that meets many jobs goes through its index, and nothing is sorted in a claim', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await assertPlans(database, sql, plans, [/SCAN handcar_jobs(?! USING)/, /TEMP B-TREE FOR ORDER BY/])
})
