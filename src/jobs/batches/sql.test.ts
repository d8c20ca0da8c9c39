import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../../testing/index.ts'
import { Jobs } from '../index.ts'
import * as sql from './sql.ts'
import { assertPlans } from '../../../test/helpers/plans.ts'

const byId = 'SEARCH handcar_jobs USING INTEGER PRIMARY KEY'

/** How SQLite runs the statements that meet many rows: which index each look goes through. */
const plans: Partial<Record<keyof typeof sql, string[]>> = {
  selectUnsettled: [
    'handcar_job_batches_for_closing',
    'handcar_job_batches_for_reopening',
    'handcar_job_releases',
    'handcar_job_batches_for_cancelling',
  ],
  selectClosable: ['handcar_job_batches_for_closing'],
  selectReopenable: ['handcar_job_batches_for_reopening'],
  selectNestedOutcome: ['handcar_job_batches_for_tree (parent_id=?)'],
  selectBatchOfCallback: ['SEARCH handcar_job_callbacks USING INTEGER PRIMARY KEY'],
  deleteWaitingCallbacks: [byId, 'SEARCH handcar_job_callbacks USING COVERING INDEX'],
  selectProgress: ['handcar_job_batches_for_tree (parent_id=?)'],
  cancelBatches: ['handcar_job_batches_for_tree (parent_id=?)'],
  selectCancelling: ['handcar_job_batches_for_cancelling'],
  cancelMembers: [byId, 'handcar_jobs_for_batch (batch_id=? AND rowid>?)'],
  cancelRunningMembers: [byId, 'handcar_jobs_for_batch (batch_id=? AND rowid>? AND rowid<?)'],
  selectEndedMembers: ['handcar_jobs_for_batch (batch_id=? AND rowid>?)'],
  selectWaiting: ['handcar_job_dependencies_for_waiting'],
  selectWaitingOfJob: ['handcar_job_dependencies_for_waiting (job_id=?)'],
  selectDependentsOfJobs: [
    byId.replace('handcar_jobs', 'jobs'),
    'handcar_job_dependencies_for_needed (needs=? AND needs_id=? AND state=?)',
  ],
  selectDependentsOfOne: ['handcar_job_dependencies_for_needed (needs=? AND needs_id=? AND state=?)'],
  selectDependents: ['handcar_job_dependencies_for_needed (needs=? AND needs_id=?)'],
  selectNeeds: ['SEARCH dependencies USING PRIMARY KEY (job_id=?)'],
  selectStart: ['SEARCH handcar_job_dependencies USING PRIMARY KEY (job_id=?)'],
  selectFailedNeed: ['SEARCH handcar_job_dependencies USING PRIMARY KEY (job_id=?)'],
  releaseJob: [byId],
  cancelDependent: [byId],
  selectGraphJobs: ['handcar_jobs_for_batch (batch_id=?)'],
  selectGraphBatches: ['handcar_job_batches_for_tree (parent_id=?)'],
  selectGraphNeeds: ['SEARCH handcar_job_dependencies USING PRIMARY KEY (job_id=?)'],
}

test('every statement of batches that meets many rows goes through its index', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  await assertPlans(database, sql, plans, [
    /SCAN (?:handcar_jobs|jobs|members|batches|dependencies|handcar_job_(?!releases)\w+)\b(?! USING)/,
    /TEMP B-TREE FOR ORDER BY/,
  ])
})

test('the triggers find what they write by its key', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  const explain = `explain query plan select 1 from handcar_job_dependencies
    where needs = 'job' and needs_id = 1 and state = 'waiting'`
  const rows = await database.write((tx) => tx.all<{ detail: string }>(explain))
  assert.match(
    rows[0]!.detail,
    /handcar_job_dependencies_for_needed \(needs=\? AND needs_id=\? AND state=\?\)/,
  )
})
