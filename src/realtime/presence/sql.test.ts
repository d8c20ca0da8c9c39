import { test } from 'node:test'
import { assertPlans } from '../../../test/helpers/plans.ts'
import { temporaryDatabase } from '../../testing/index.ts'
import { presenceMigrations } from './migrations.ts'
import * as sql from './sql.ts'

const table = 'SEARCH handcar_presences USING INTEGER PRIMARY KEY'

/** How SQLite runs the statements: which index each look goes through. */
const plans: Record<keyof typeof sql, string[]> = {
  selectProcess: ['SEARCH handcar_realtime_processes USING'],
  insertProcess: [],
  selectOtherProcesses: ['SCAN handcar_realtime_processes'],
  deleteProcess: ['SEARCH handcar_realtime_processes USING INTEGER PRIMARY KEY'],
  updatePresence: ['handcar_presences_for_list (channel=? AND connection=?)'],
  insertPresence: [],
  endPresence: ['handcar_presences_for_list (channel=? AND connection=?)'],
  orphanPresence: ['handcar_presences_for_list (channel=? AND connection=?)'],
  endRevision: [table],
  selectOfProcess: ['handcar_presences_for_rescue (process=?)'],
  selectStrayOwners: ['handcar_presences_for_rescue (process>?)'],
  selectOverdue: ['handcar_presences_for_ending (leaves_at<?)'],
  selectNextEnding: ['handcar_presences_for_ending'],
  selectPresences: ['handcar_presences_for_list (channel=?)'],
  selectProgress: ['SEARCH handcar_presence_state USING INTEGER PRIMARY KEY'],
  selectChanges: [`${table} (rowid>?)`],
  selectPrunable: ['handcar_presences_for_pruning (left_at<?)'],
  deleteRevision: [table],
  raiseFloor: ['SEARCH handcar_presence_state USING INTEGER PRIMARY KEY'],
}

test('every statement of presence goes through its index', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { realtime: presenceMigrations },
    readers: false,
  })
  await assertPlans(database, sql, plans, [/SCAN handcar_presences/, /TEMP B-TREE/])
})
