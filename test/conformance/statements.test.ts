import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupMigrations } from '../../src/backup/index.ts'
import * as verifyStatements from '../../src/backup/verify/sql.ts'
import * as branchesSql from '../../src/branches/sql.ts'
import { Cache } from '../../src/cache/index.ts'
import * as limitsStatements from '../../src/cache/limits/sql.ts'
import * as cacheStatements from '../../src/cache/sql.ts'
import * as databaseStatements from '../../src/database/sql.ts'
import * as batchesStatements from '../../src/jobs/batches/sql.ts'
import { Jobs } from '../../src/jobs/index.ts'
import * as operationsStatements from '../../src/jobs/operations/sql.ts'
import * as recurringStatements from '../../src/jobs/recurring/sql.ts'
import * as retentionStatements from '../../src/jobs/retention/sql.ts'
import * as jobsStatements from '../../src/jobs/sql.ts'
import * as stepsStatements from '../../src/jobs/steps/sql.ts'
import * as socketIoStatements from '../../src/realtime/adapters/socket-io/sql.ts'
import * as connectionsStatements from '../../src/realtime/connections/sql.ts'
import { Realtime } from '../../src/realtime/index.ts'
import * as retentionOfRealtimeStatements from '../../src/realtime/log/trim-sql.ts'
import * as presenceStatements from '../../src/realtime/presence/sql.ts'
import * as realtimeStatements from '../../src/realtime/sql.ts'
import { temporaryDatabase } from '../../src/testing/index.ts'
import * as testingStatements from '../../src/testing/jobs/sql.ts'

// Not a statement but the name of a table, and a statement for either side.
const { planTable: _, selectObjects, ...branchesStatements } = branchesSql

/** The statements of every part that has any, by part. A new part joins by adding one entry. */
const parts: Record<string, Record<string, string>> = {
  database: databaseStatements,
  jobs: jobsStatements,
  'jobs/batches': batchesStatements,
  'jobs/operations': operationsStatements,
  'jobs/recurring': recurringStatements,
  'jobs/retention': retentionStatements,
  'jobs/steps': stepsStatements,
  'testing/jobs': testingStatements,
  cache: cacheStatements,
  'cache/limits': limitsStatements,
  realtime: realtimeStatements,
  'realtime/log': retentionOfRealtimeStatements,
  'realtime/connections': connectionsStatements,
  'realtime/presence': presenceStatements,
  'realtime/adapters/socket-io': socketIoStatements,
  'backup/verify': verifyStatements,
  branches: { ...branchesStatements, selectObjects: selectObjects('main') },
}

for (const [part, statements] of Object.entries(parts)) {
  for (const [name, text] of Object.entries(statements)) {
    test(`${part}: ${name} prepares`, async () => {
      await using database = await temporaryDatabase({
        partMigrations: {
          jobs: Jobs.migrations,
          realtime: Realtime.migrations,
          backup: backupMigrations,
          cache: [...Cache.migrations, ...Cache.appMigrations],
          test: [{ name: '1', sql: 'create table t (a)' }],
        },
      })
      assert.ok(database.inspect(text))
    })
  }
}
