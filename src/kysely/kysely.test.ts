import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CamelCasePlugin, type Generated, type Kysely } from 'kysely'
import type { Database } from '../database/index.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { kysely } from './index.ts'

interface Schema {
  posts: { id: Generated<number>; title: string; view_count: Generated<number> }
}

async function open(): Promise<{ database: Database; db: Kysely<Schema> } & AsyncDisposable> {
  const database = await temporaryDatabase()
  await database.run(
    'create table posts (id integer primary key, title text not null unique, view_count integer not null default 0) strict',
  )
  return { database, db: kysely<Schema>(database), [Symbol.asyncDispose]: () => database.stop() }
}

const titles = (db: Kysely<Schema>): Promise<string[]> =>
  db
    .selectFrom('posts')
    .select('title')
    .orderBy('id')
    .execute()
    .then((rows) => rows.map((row) => row.title))

test('reads, writes and returning', async () => {
  await using opened = await open()
  const { db } = opened
  const inserted = await db.insertInto('posts').values({ title: 'one' }).executeTakeFirstOrThrow()
  assert.deepEqual([inserted.insertId, inserted.numInsertedOrUpdatedRows], [1n, 1n])
  const returned = await db
    .insertInto('posts')
    .values({ title: 'two' })
    .returningAll()
    .executeTakeFirstOrThrow()
  assert.deepEqual(returned, { id: 2, title: 'two', view_count: 0 })
  const updated = await db.updateTable('posts').set({ view_count: 5 }).executeTakeFirstOrThrow()
  assert.equal(updated.numUpdatedRows, 2n)
  const deleted = await db.deleteFrom('posts').where('id', '=', 1).executeTakeFirstOrThrow()
  assert.equal(deleted.numDeletedRows, 1n)
  assert.deepEqual(await titles(db), ['two'])
})

test('a common table expression that writes goes through the queue', async () => {
  await using opened = await open()
  const { database, db } = opened
  await db
    .with('one', (query) => query.selectNoFrom((each) => each.val('from a cte').as('title')))
    .insertInto('posts')
    .columns(['title'])
    .expression((query) => query.selectFrom('one').select('title'))
    .execute()
  assert.deepEqual(await titles(db), ['from a cte'])
  assert.equal(database.stats().writes.committed, 2)
})

test('a transaction commits whole, and rolls back whole', async () => {
  await using opened = await open()
  const { db } = opened
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('posts').values({ title: 'one' }).execute()
    assert.deepEqual(await titles(trx), ['one'], 'the body sees its own writes')
    await trx.insertInto('posts').values({ title: 'two' }).execute()
  })
  const failing = db.transaction().execute(async (trx) => {
    await trx.deleteFrom('posts').execute()
    throw new Error('changed my mind')
  })
  await assert.rejects(failing, /changed my mind/)
  assert.deepEqual(await titles(db), ['one', 'two'])
})

test('a transaction in a transaction is a savepoint', async () => {
  await using opened = await open()
  const { db } = opened
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('posts').values({ title: 'outer' }).execute()
    const inner = db.transaction().execute(async (nested) => {
      await nested.insertInto('posts').values({ title: 'inner' }).execute()
      throw new Error('only the inner one')
    })
    await assert.rejects(inner, /only the inner one/)
  })
  assert.deepEqual(await titles(db), ['outer'])
})

test('a body of database.write is joined, and the other way round', async () => {
  await using opened = await open()
  const { database, db } = opened
  const failing = database.write(async (tx) => {
    await db.insertInto('posts').values({ title: 'by kysely' }).execute()
    tx.run("insert into posts (title) values ('by hand')")
    throw new Error('take both back')
  })
  await assert.rejects(failing, /take both back/)
  assert.deepEqual(await titles(db), [])
  await db.transaction().execute(async () => {
    await database.run("insert into posts (title) values ('joined')")
    assert.equal(database.stats().writes.batches, 1, 'nothing but the table was committed so far')
  })
  assert.deepEqual(await titles(db), ['joined'])
})

test('transactions of derived query builders are joined too', async () => {
  await using opened = await open()
  const { database, db } = opened
  const camel = db.withPlugin(new CamelCasePlugin()).withoutPlugins().withPlugin(new CamelCasePlugin())
  const failing = camel
    .transaction()
    .setIsolationLevel('serializable')
    .execute(async () => {
      await database.run("insert into posts (title) values ('joined')")
      throw new Error('take it back')
    })
  await assert.rejects(failing, /take it back/)
  assert.deepEqual(await titles(db), [])
})

test('a body that waits for something else is rolled back', async () => {
  await using opened = await open()
  const { db } = opened
  const waiting = db.transaction().execute(async (trx) => {
    await trx.insertInto('posts').values({ title: 'lost' }).execute()
    await sleep(1)
    await trx.insertInto('posts').values({ title: 'must not appear' }).execute()
  })
  await assert.rejects(waiting, { code: 'HANDCAR_TRANSACTION_PENDING' })
  await sleep(20)
  assert.deepEqual(await titles(db), [])
})

test('a transaction without a body is refused with its cure', async () => {
  await using opened = await open()
  await assert.rejects(opened.db.startTransaction().execute(), {
    code: 'HANDCAR_TRANSACTION_PENDING',
    fix: /transaction\(\)\.execute/,
  })
})

test('a read only transaction is one state of the database', async () => {
  await using opened = await open()
  const { db } = opened
  const reading = db
    .transaction()
    .setAccessMode('read only')
    .execute((trx) => titles(trx))
  assert.deepEqual(await reading, [])
  const writing = db
    .transaction()
    .setAccessMode('read only')
    .execute((trx) => trx.deleteFrom('posts').execute())
  await assert.rejects(writing)
})

test('stream() reads in pages, and ends early', async () => {
  await using opened = await open()
  const { database, db } = opened
  await database.write((tx) => {
    for (let id = 1; id <= 2_500; id++) tx.run('insert into posts (title) values (?)', [`post ${id}`])
  })
  const ids: number[] = []
  for await (const { id } of db.selectFrom('posts').select('id').orderBy('id').stream(100)) ids.push(id)
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [2_500, 1, 2_500])
  for await (const { id } of db.selectFrom('posts').select('id').stream(100)) if (id === 3) break
  assert.equal(database.stats().readers?.running, 0)
})

test("SQLite's errors pass through", async () => {
  await using opened = await open()
  const { db } = opened
  await db.insertInto('posts').values({ title: 'same' }).execute()
  await assert.rejects(db.insertInto('posts').values({ title: 'same' }).execute(), {
    code: 'SQLITE_CONSTRAINT_UNIQUE',
  })
})

test('reads do not wait for a write that waits for the disk', async () => {
  await using opened = await open()
  const { db } = opened
  const order: string[] = []
  const write = db
    .insertInto('posts')
    .values({ title: 'slow' })
    .execute()
    .then(() => order.push('write'))
  await titles(db).then(() => order.push('read'))
  await write
  assert.deepEqual(order, ['read', 'write'])
})

test('destroy() leaves the database open', async () => {
  await using opened = await open()
  await titles(opened.db)
  await opened.db.destroy()
  assert.equal(opened.database.get<{ one: number }>('select 1 as one')?.one, 1)
})
