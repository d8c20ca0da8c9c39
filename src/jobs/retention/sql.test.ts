import { test } from 'node:test'
import { temporaryDatabase } from '../../testing/index.ts'
import { Jobs } from '../index.ts'
import * as sql from './sql.ts'
import { assertPlans } from '../../../test/helpers/plans.ts'

/** No statement of retention scans a table: each looks into an index, or goes by a primary key. */
test('every statement goes through an index, and nothing is sorted', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  const plans = Object.fromEntries(Object.keys(sql).map((name) => [name, []]))
  await assertPlans(database, sql, plans, [
    /SCAN (?!json_each|around|names)|TEMP B-TREE|AUTOMATIC/,
    /handcar_jobs_for_pruning \(state=\? AND finished_at>\?\)\n.*json_each/,
  ])
})
