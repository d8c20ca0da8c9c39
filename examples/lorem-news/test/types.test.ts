import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { schemaTypes } from 'handcar/kysely'
import { temporaryDatabase } from 'handcar/testing'

test('the types are those of the migrated database', async () => {
  const migrations = `${import.meta.dirname}/../db/migrations`
  await using database = await temporaryDatabase({ migrations })
  const written = await readFile(new URL('../src/database/schema.ts', import.meta.url), 'utf8')
  assert.equal(written, schemaTypes(database), 'run `npm run types`')
})
