import { test } from 'node:test'
import { assertPlans } from '../../../test/helpers/plans.ts'
import { Database } from '../../database/index.ts'
import { Cache } from '../index.ts'
import * as sql from './sql.ts'

/** How SQLite runs the statements that meet many limits or locks. */
const plans: Partial<Record<keyof typeof sql, string[]>> = {
  selectLimit: ['SEARCH handcar_cache_limits USING PRIMARY KEY (key=? AND policy=?)'],
  updateLimit: ['SEARCH handcar_cache_limits USING PRIMARY KEY (key=? AND policy=?)'],
  deleteLimit: ['SEARCH handcar_cache_limits USING PRIMARY KEY (key=?)'],
  sweepLimits: ['handcar_cache_limits_for_sweep (ends_at<?)'],
  selectNextLimitEnd: ['handcar_cache_limits_for_sweep'],
  selectLock: ['SEARCH handcar_cache_locks USING PRIMARY KEY (key=?)'],
  extendLock: ['SEARCH handcar_cache_locks USING PRIMARY KEY (key=?)'],
  deleteLock: ['SEARCH handcar_cache_locks USING PRIMARY KEY (key=?)'],
}

test('every statement that meets many limits or locks goes through a key or an index, and sorts nothing', async () => {
  await using database = new Database(Cache.databaseOptions(':memory:'))
  await database.start()
  await assertPlans(database, sql, plans, [/TEMP B-TREE FOR ORDER BY/])
})
