import { test } from 'node:test'
import { assertPlans } from '../../test/helpers/plans.ts'
import { Database } from '../database/index.ts'
import { Cache } from './index.ts'
import * as sql from './sql.ts'

/** How SQLite runs the statements that meet many entries. */
const plans: Partial<Record<keyof typeof sql, string[]>> = {
  selectEntry: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid=?)'],
  selectVersion: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid=?)'],
  selectMany: ['SCAN wanted', 'SEARCH e USING INTEGER PRIMARY KEY (rowid=?)'],
  deleteEntry: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid=?)'],
  touchEntry: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid=?)'],
  evictEntry: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid=?)'],
  selectPage: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid>?)'],
  selectSample: [
    'SEARCH e USING INTEGER PRIMARY KEY (rowid>?)',
    'SEARCH u USING INTEGER PRIMARY KEY (rowid=?)',
    'USING ROWID SEARCH ON TABLE handcar_cache_space_numbers',
  ],
  evictRange: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid=?)', '(rowid>?)'],
  sweepExpired: ['handcar_cache_entries_for_sweep (stale_until<?)'],
  selectNextExpiry: ['handcar_cache_entries_for_sweep'],
  sweepCleared: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
  selectIdAfter: ['SEARCH handcar_cache_entries USING INTEGER PRIMARY KEY (rowid>?)'],
  selectLease: ['SEARCH handcar_cache_leases USING INTEGER PRIMARY KEY (rowid=?)'],
  deleteWait: ['SEARCH handcar_cache_waits USING PRIMARY KEY (id=? AND waits_for=?)'],
  selectTag: ['SEARCH handcar_cache_tags USING PRIMARY KEY (tag=?)'],
  selectGenerations: ['SEARCH handcar_cache_spaces USING PRIMARY KEY (name=?)'],
}

test('every statement that meets many entries goes through a key or an index, and sorts nothing', async () => {
  await using database = new Database(Cache.databaseOptions(':memory:'))
  await database.start()
  await assertPlans(database, sql, plans, [/TEMP B-TREE FOR ORDER BY/])
})
