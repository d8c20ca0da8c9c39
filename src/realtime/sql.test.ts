import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertPlans } from '../../test/helpers/plans.ts'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
import * as trimming from './log/trim-sql.ts'
import * as log from './sql.ts'

const statements: Record<string, string> = { ...log, ...trimming }

/** How SQLite runs what meets many messages. */
const plans: Record<string, string[]> = {
  selectFrom: ['SEARCH handcar_messages USING INTEGER PRIMARY KEY (rowid>?)'],
  selectLatest: ['SEARCH handcar_messages USING INTEGER PRIMARY KEY (rowid<?)'],
  selectSizes: ['SEARCH handcar_messages USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
  selectAfter: ['handcar_messages_for_replay (channel=? AND offset>?)'],
  selectBefore: ['handcar_messages_for_replay (channel=? AND offset<?)'],
  selectOldest: ['handcar_messages_for_replay (channel=?)'],
  selectOldestOf: ['COVERING INDEX handcar_messages_for_replay (channel=?)'],
  measureChannel: ['handcar_messages_for_replay (channel=? AND offset<?)'],
  deleteUpTo: ['handcar_messages_for_replay (channel=? AND offset<?)'],
  selectPosition: ['SEARCH handcar_messages'],
  selectTrimmedSince: ['handcar_trimmed_for_folding (offset>?)'],
  selectHighestTrimmed: ['SEARCH handcar_trimmed USING COVERING INDEX handcar_trimmed_for_folding'],
  deleteTrimmed: ['handcar_trimmed_for_folding (offset<?)'],
  selectOldReceipt: ['handcar_realtime_receipts_for_pruning (at<?)'],
  deleteReceipts: ['handcar_realtime_receipts_for_pruning (at<?)'],
}

test('every statement goes through the primary key or an index, and nothing is sorted', async () => {
  await using database = await realtimeDatabase()
  // A scan by the primary key that ends after one row is a look at the end of the table.
  const endsAtOnce = (name: string): boolean => /limit 1\b/.test(statements[name]!)
  const names = Object.keys(statements)
  const of = (some: string[]) => Object.fromEntries(some.map((name) => [name, plans[name] ?? []]))
  await assertPlans(database, statements, of(names.filter(endsAtOnce)), [])
  await assertPlans(database, statements, of(names.filter((name) => !endsAtOnce(name))), [
    /SCAN handcar_messages|TEMP B-TREE|AUTOMATIC/,
  ])
  assert.deepEqual(
    Object.keys(plans).filter((name) => !(name in statements)),
    [],
  )
})
