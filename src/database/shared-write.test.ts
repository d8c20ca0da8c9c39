import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../testing/index.ts'
import { SharedWrite } from './shared-write.ts'

const migrations = [
  {
    name: '1_create_items',
    sql: "create table items (id integer primary key, name text not null check (name <> 'bad'))",
  },
]

async function sharedInserts() {
  const database = await temporaryDatabase({ partMigrations: { test: migrations }, readers: false })
  const bodies: number[] = []
  const inserts = new SharedWrite<string, number>(
    database,
    (tx, names) => {
      bodies.push(names.length)
      return names.map((name) =>
        Number(tx.run('insert into items (name) values (?)', [name]).lastInsertRowid),
      )
    },
    { label: 'insert' },
  )
  const names = (): string[] =>
    database.all<{ name: string }>('select name from items order by id').map(({ name }) => name)
  return { database, inserts, bodies, names }
}

test('items that wait at the same time are written by one body, each gets its own result', async () => {
  const { database, inserts, bodies } = await sharedInserts()
  await using _ = database
  const ids = await Promise.all(['a', 'b', 'c'].map((name) => inserts.write(name)))
  assert.deepEqual(ids, [1, 2, 3])
  assert.deepEqual(bodies, [3])
  assert.equal(await inserts.write('d'), 4)
  assert.deepEqual(bodies, [3, 1])
})

test('one body writes 256 items at most', async () => {
  const { database, inserts, bodies } = await sharedInserts()
  await using _ = database
  await Promise.all(Array.from({ length: 600 }, (_, index) => inserts.write(`name ${index}`)))
  assert.deepEqual(bodies, [256, 256, 88])
})

test('other writes keep their place among the items', async () => {
  const { database, inserts, names } = await sharedInserts()
  await using _ = database
  const insert = (name: string) => database.run('insert into items (name) values (?)', [name])
  await Promise.all([
    inserts.write('first'),
    inserts.write('second'),
    insert('third'),
    inserts.write('fourth'),
    inserts.write('fifth'),
    insert('sixth'),
  ])
  assert.deepEqual(names(), ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'])
})

test('an item that cannot be written takes no other with it', async () => {
  const { database, inserts, names } = await sharedInserts()
  await using _ = database
  const settled = await Promise.allSettled(['a', 'bad', 'c'].map((name) => inserts.write(name)))
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(names(), ['a', 'c'])
})

test('an item that is added while a body runs is written by the next one', async () => {
  const database = await temporaryDatabase({ partMigrations: { test: migrations }, readers: false })
  await using _ = database
  const later: Promise<string>[] = []
  const inserts: SharedWrite<string, string> = new SharedWrite(
    database,
    (_tx, names) => {
      if (names.includes('first')) later.push(inserts.write('later'))
      return [...names]
    },
    { label: 'echo' },
  )
  assert.equal(await inserts.write('first'), 'first')
  assert.deepEqual(await Promise.all(later), ['later'])
})

test('a database that has stopped refuses every item', async () => {
  const { database, inserts } = await sharedInserts()
  await database.stop()
  await assert.rejects(inserts.write('a'), { code: 'HANDCAR_NOT_STARTED' })
})
