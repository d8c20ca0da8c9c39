import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../../testing/index.ts'
import { Jobs } from '../index.ts'
import * as sql from './sql.ts'

/** No statement of retention scans a table: each looks into an index, or goes by a primary key. */
test('every statement goes through an index, and nothing is sorted', async () => {
  await using database = await temporaryDatabase({
    partMigrations: { jobs: Jobs.migrations },
    readers: false,
  })
  for (const [name, text] of Object.entries<string>(sql)) {
    const explain = `explain query plan ${text.replace(/\?|:[a-z_]+/g, '1')}`
    const rows = await database.write((tx) => tx.all<{ detail: string }>(explain))
    const plan = rows.map(({ detail }) => detail).join('\n')
    assert.doesNotMatch(plan, /SCAN (?!json_each|around|names)|TEMP B-TREE|AUTOMATIC/, `${name}\n${plan}`)
    assert.doesNotMatch(plan, /handcar_jobs_for_pruning \(state=\? AND finished_at>\?\)\n.*json_each/, name)
  }
})
