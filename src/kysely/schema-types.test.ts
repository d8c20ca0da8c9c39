import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../testing/index.ts'
import { schemaTypes } from './index.ts'

test('writes the types of tables, views and virtual tables', async () => {
  await using database = await temporaryDatabase()
  await database.write((tx) => {
    tx.run(`create table posts (
      id integer primary key, title text not null, body text, score real not null default 0,
      cover blob, meta any, slug text generated always as (lower(title)) stored
    ) strict`)
    tx.run(
      'create table tags (post_id integer not null, "odd name" varchar(20) not null, primary key (post_id, "odd name"))',
    )
    tx.run('create view recent as select id, title from posts')
    tx.run('create virtual table documents using fts5(title)')
  })
  assert.equal(
    schemaTypes(database),
    `// Written from the database by schemaTypes(). Do not edit.
import type { Generated, GeneratedAlways } from 'kysely'

export interface Schema {
  documents: {
    title: unknown
  }
  posts: {
    id: Generated<number>
    title: string
    body: string | null
    score: Generated<number>
    cover: Uint8Array | null
    meta: unknown
    slug: GeneratedAlways<string | null>
  }
  recent: {
    id: number | null
    title: string | null
  }
  tags: {
    post_id: number
    "odd name": string
  }
}
`,
  )
})

test('an empty database has an empty schema', async () => {
  await using database = await temporaryDatabase()
  assert.match(schemaTypes(database), /export interface Schema \{\n\}/)
})
