/**
 * Writes the types of the tables, which Kysely checks queries against, from a freshly migrated database.
 *
 *     npm run types
 */
import { writeFileSync } from 'node:fs'
import { schemaTypes } from 'handcar/kysely'
import { temporaryDatabase } from 'handcar/testing'

const migrations = `${import.meta.dirname}/../db/migrations`
await using database = await temporaryDatabase({ migrations })
writeFileSync(new URL('../src/database/schema.ts', import.meta.url), schemaTypes(database))
