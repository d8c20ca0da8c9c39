import { kysely } from 'handcar/kysely'
import type { Database } from 'handcar/database'
import { Kysely, SqliteDialect } from 'kysely'
import type { RawDatabase } from '../harness/sqlite.ts'
import { createFile, noteBody, openHandcar } from './files.ts'
import type { Schema } from './files.ts'
import { checkPage, checkPost, nextId, nextPage, pageLength } from './operation.ts'
import type { Operation } from './operation.ts'

/** Kysely on handcar, on its own SQLite dialect, and compiling a query without running it. */
export async function kyselyOperations(
  folder: string,
  database: Database,
  reader: RawDatabase,
): Promise<Operation[]> {
  const ours = kysely<Schema>(database)
  const own = ownDialect(reader)
  createFile(folder, 'kysely-handcar').close()
  const oursWriter = kysely<Schema>(await openHandcar(folder, 'kysely-handcar'))
  const ownWriter = ownDialect(createFile(folder, 'kysely-own'))
  return [
    { name: 'point read: compiled by Kysely, not run', run: () => postById(ours, nextId()).compile() },
    { name: 'point read: Kysely on handcar', run: () => readPost(ours) },
    { name: "point read: Kysely's own dialect", run: () => readPost(own) },
    { name: '100 rows: Kysely on handcar', run: () => readPage(ours) },
    { name: "100 rows: Kysely's own dialect", run: () => readPage(own) },
    { name: 'write: Kysely on handcar, os', run: () => insertNote(oursWriter), writesTo: 'kysely-handcar' },
    { name: "write: Kysely's own dialect, NORMAL", run: () => insertNote(ownWriter), writesTo: 'kysely-own' },
  ]
}

function ownDialect(database: RawDatabase): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: database as never }) })
}

function postById(db: Kysely<Schema>, id: number) {
  return db.selectFrom('posts').selectAll().where('id', '=', id)
}

async function readPost(db: Kysely<Schema>): Promise<void> {
  const id = nextId()
  checkPost(id, await postById(db, id).executeTakeFirst())
}

async function readPage(db: Kysely<Schema>): Promise<void> {
  const page = db.selectFrom('posts').selectAll().where('id', '>', nextPage()).orderBy('id').limit(pageLength)
  checkPage(await page.execute())
}

function insertNote(db: Kysely<Schema>): Promise<unknown> {
  return db.insertInto('notes').values({ body: noteBody }).execute()
}
