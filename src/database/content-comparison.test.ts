import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { ContentComparison } from './content-comparison.ts'
import type { Database } from './database.ts'
import { openDriver } from './driver.ts'

const schema = `
  create table plain (a, b);
  create table shadowed (rowid text, a int);
  create table keyed (id integer primary key, text text) strict;
  create table without (tenant text collate nocase, id int, value, primary key (tenant, id desc)) without rowid;
  create table blobs (id blob primary key, data blob) without rowid;
  create table computed (a int, twice int as (a * 2), thrice int as (a * 3) stored);
  create table empty (id integer primary key);
  create table nameless (rowid, _rowid_, oid);
  create view seen as select * from plain;
  create virtual table words using fts5(body);
  create table auto (id integer primary key autoincrement, "odd ""name" text);
`

async function filled(rows = 300): Promise<Database> {
  const database = await temporaryDatabase({ partMigrations: { test: [{ name: '1', sql: schema }] } })
  await database.write((tx) => {
    for (let row = 0; row < rows; row++) {
      tx.run('insert into plain values (?, ?)', [
        row % 2 ? BigInt(row) : row + 0.5,
        row % 3 ? `text ${row}` : null,
      ])
      tx.run('insert into shadowed values (?, ?)', ['x', row])
      tx.run('insert into keyed values (?, ?)', [BigInt(row) * 2n ** 48n, `text ${row}`])
      tx.run('insert into without values (?, ?, ?)', [`${row % 2 ? 'A' : 'a'}${row % 5}`, row, row])
      tx.run('insert into blobs values (?, ?)', [Buffer.from(`k${row}`), Buffer.alloc(row, row)])
      tx.run('insert into computed (a) values (?)', [row])
      tx.run('insert into words values (?)', [`word${row} and some more`])
      tx.run('insert into auto ("odd ""name") values (?)', [`name ${row}`])
    }
    tx.run('insert into nameless values (1, 2, 3)')
  })
  return database
}

/** A copy of the database in which something is other than it was. */
function copyOf(database: Database, path: string, changes: string[] = []): string {
  const source = openDriver(database.path, { readonly: true })
  source.prepare('vacuum into ?').run([path])
  source.close()
  const copy = openDriver(path, { readonly: false })
  for (const change of changes) copy.exec(change)
  copy.close()
  return path
}

test('a copy is the same: every kind of table, key and value', async () => {
  using folder = temporaryFolder()
  await using database = await filled()
  await using comparison = await ContentComparison.begin(database.path)
  const { longestRead, ...report } = await comparison.compare(copyOf(database, folder.file('copy')))
  assert.deepEqual(report.differences, [])
  assert.deepEqual(report.skipped, ['nameless'])
  assert.equal(report.hasSameSchema, true)
  assert.equal(report.compared, report.rows)
  assert.ok(report.rows > 7 * 300, String(report.rows))
  assert.ok(longestRead < 1_000)
})

const swaps: [string, string[]][] = [
  ['plain', ['update plain set b = null where rowid = 2']],
  ['plain', ["update plain set a = 1.0 where a = 1 and typeof(a) = 'integer'"]],
  ['plain', ['update plain set b = cast(b as blob) where rowid = 3']],
  ['shadowed', ['delete from shadowed where a = 299']],
  ['keyed', ['update keyed set id = id + 1 where id > 9007199254740993']],
  ['without', ["update without set value = 7.5 where tenant = 'A3' and id = 13"]],
  ['blobs', ["update blobs set data = zeroblob(13) where id = x'6b3133'"]],
  ['computed', ['insert into computed (a) values (9)']],
  ['empty', ['insert into empty values (1)']],
  ['words_content', ["insert into words values ('another')"]],
  ['auto', ['update auto set "odd ""name" = \'\' where id = 300']],
  ['sqlite_sequence', ["update sqlite_sequence set seq = 1 where name = 'auto'"]],
]

test('another row is found in each of them', async () => {
  using folder = temporaryFolder()
  await using database = await filled()
  for (const [index, [table, changes]] of swaps.entries()) {
    await using comparison = await ContentComparison.begin(database.path)
    const { differences } = await comparison.compare(copyOf(database, folder.file(`${index}`), changes))
    assert.ok(differences.includes(table), `${table}: ${differences.join()}`)
  }
})

test('another schema is found; one that changes meanwhile is not judged', async () => {
  using folder = temporaryFolder()
  await using database = await filled(5)
  await using comparison = await ContentComparison.begin(database.path)
  const other = await comparison.compare(copyOf(database, folder.file('other'), ['drop view seen']))
  assert.equal(other.hasSameSchema, false)
  await database.run('create index later on plain (a)')
  const changed = await comparison.compare(copyOf(database, folder.file('changed')))
  assert.equal(changed.hasSameSchema, undefined)
})

test('what is written meanwhile is not compared, and what was there is', async () => {
  using folder = temporaryFolder()
  await using database = await filled(20_000)
  await using comparison = await ContentComparison.begin(database.path)
  await database.run("update keyed set text = 'new' where id = 0")
  await database.run('insert into plain values (1, 2)')
  const copy = copyOf(database, folder.file('copy'))
  await database.run("delete from without where tenant = 'a0'")
  const report = await comparison.compare(copy)
  assert.deepEqual(report.differences, [])
  assert.ok(report.compared > 0 && report.compared < report.rows, JSON.stringify(report))
})

test('rows that change and change back are no difference when they are watched; a wrong row still is one', async () => {
  using folder = temporaryFolder()
  await using database = await filled(50)
  await using comparison = await ContentComparison.begin(database.path)
  await database.run("update keyed set text = 'busy' where id = 0")
  const first = copyOf(database, folder.file('first'), [
    'update auto set "odd ""name" = \'wrong\' where id = 2',
  ])
  await database.run("update keyed set text = 'text 0' where id = 0")
  assert.deepEqual((await comparison.compare(first)).differences, ['auto', 'keyed'])

  await comparison.watch()
  await database.run("update keyed set text = 'busy' where id = 0")
  await sleep(300)
  const second = copyOf(database, folder.file('second'), [
    'update auto set "odd ""name" = \'wrong\' where id = 2',
  ])
  await database.run("update keyed set text = 'text 0' where id = 0")
  assert.deepEqual((await comparison.compare(second)).differences, ['auto'])
})

test('a large table is read in short reads, while another connection writes', async () => {
  using folder = temporaryFolder()
  await using database = await temporaryDatabase({
    partMigrations: { test: [{ name: '1', sql: 'create table rows (id integer primary key, text text)' }] },
  })
  await database.run(`
    insert into rows (text)
    select hex(randomblob(150)) from (with recursive n(x) as (select 1 union all select x + 1 from n limit 200000) select x from n)`)
  const reading = ContentComparison.begin(database.path)
  let writes = 0
  const isRead = reading.then(() => true)
  while (!(await Promise.race([isRead, sleep(5, false)]))) {
    await database.run('insert into rows (text) values (?)', ['new'])
    writes++
  }
  await using comparison = await reading
  const report = await comparison.compare(copyOf(database, folder.file('copy')))
  assert.deepEqual(report.differences, [])
  assert.ok(writes > 0)
  assert.ok(report.compared > 190_000, JSON.stringify(report))
  // 4 ms and a row; the machine may take the processor away meanwhile.
  assert.ok(report.longestRead < 500, String(report.longestRead))
})

test('a copy that is damaged is an error, and its signal ends it', async () => {
  using folder = temporaryFolder()
  await using database = await filled(10)
  const stop = new AbortController()
  await using comparison = await ContentComparison.begin(database.path, { signal: stop.signal })
  await assert.rejects(comparison.compare(folder.file('none')), { code: 'HANDCAR_DATABASE_READ_ONLY' })
  stop.abort(new Error('enough'))
  await assert.rejects(comparison.watch(), { message: 'enough' })
})
