import assert from 'node:assert/strict'

import { test } from 'node:test'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { openDriver } from './driver.ts'
import { Database, type Migration } from './index.ts'

const everything: Migration = {
  name: '20260101000000_everything',
  sql: `
    create table authors (id integer primary key autoincrement, name text not null unique) strict;
    create table posts (
      id integer primary key, author integer references authors on delete cascade,
      title text check (length(title) > 0), words integer generated always as (length(title)) stored
    ); -- trailing comment
    create index posts_by_title on posts (title collate nocase) where title <> '';
    create view long_posts as select * from posts where words > 10 -- at the end
    ;
    create virtual table posts_search using fts5(title, content='posts', content_rowid='id');
    create trigger posts_insert after insert on posts begin
      insert into posts_search (rowid, title) values (new.id, new.title);
    end;
    create table "odd ""name""" ("a;b" text default 'it''s; fine');
    alter table authors add column born integer;
    create table old (a); create table new (a, b); drop table old; alter table new rename to old;
    analyze;`,
}
const names = 'select type, name from sqlite_schema order by type, name'

test('a dump makes the same schema again, and the same dump', async () => {
  using folder = temporaryFolder()
  await using database = await temporaryDatabase({ partMigrations: { app: [everything] } })
  const dump = database.schema()
  const path = folder.file('again.sqlite3')
  const driver = openDriver(path, { readonly: false })
  driver.exec(dump)
  driver.close()
  await using again = new Database({ path, partMigrations: { app: [everything] } })
  await again.start()
  assert.equal(again.schema(), dump)
  const withoutStatistics = (source: Database) =>
    source.all<{ name: string }>(names).filter(({ name }) => !name.startsWith('sqlite_stat'))
  assert.deepEqual(withoutStatistics(again), withoutStatistics(database))
  await again.run("insert into posts (title) values ('hello world')")
  assert.equal(again.all("select rowid from posts_search where posts_search match 'world'").length, 1)
})

test('a dump is the same on every machine: it has no times and no tables of SQLite', async () => {
  await using one = await temporaryDatabase({ partMigrations: { app: [everything] } })
  await using other = await temporaryDatabase({ partMigrations: { app: [everything] } })
  assert.equal(one.schema(), other.schema())
  assert.doesNotMatch(one.schema(), /sqlite_|posts_search_(data|idx|config)/)
})

test('a database without migrations is dumped too, and an empty one is empty', async () => {
  await using database = await temporaryDatabase()
  assert.equal(database.schema(), '')
  await database.run('create table t (a)')
  assert.equal(database.schema(), 'CREATE TABLE t (a);\n')
})
