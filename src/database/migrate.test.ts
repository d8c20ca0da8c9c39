import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Database, type DatabaseOptions, type Migration } from './index.ts'

/** An app in a folder of its own: `db` holds its migrations. */
function app(
  folder: TemporaryFolder,
  files: Record<string, string>,
  options: Partial<DatabaseOptions> = {},
): Database {
  mkdirSync(folder.file('db'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(folder.file(`db/${name}`), text)
  const path = folder.file('app.sqlite3')
  return new Database({ path, migrations: folder.file('db'), durability: 'os', ...options })
}

/** Starts the app, looks, stops it. */
async function during<Result>(
  database: Database,
  look: (database: Database) => Result,
): Promise<Awaited<Result>> {
  await database.start()
  await using started = database
  return await look(started)
}

const applied = (database: Database): string[] =>
  database
    .all<{ name: string }>('select name from handcar_migrations order by applied_at, name')
    .map(({ name }) => name)

const posts = 'create table posts (id integer primary key, title text not null) strict;'
const first = '20260101000000_create_posts.sql'
const second = '20260102000000_change.sql'

test('migrations run in the order of their names, once', async () => {
  using folder = temporaryFolder()
  const files = {
    [second]: 'alter table posts add column body text;',
    [first]: posts,
    'README.md': 'not sql',
  }
  const names = ['20260101000000_create_posts', '20260102000000_change']
  for (let time = 0; time < 2; time++) assert.deepEqual(await during(app(folder, files), applied), names)
  const third = { '20260103000000_more.sql': 'create table more (a);' }
  assert.deepEqual(await during(app(folder, third), applied), [...names, '20260103000000_more'])
})

test('line ends and white space at the ends may change, anything else may not', async () => {
  using folder = temporaryFolder()
  const text = 'create table a (a);\ncreate table b (b);\n'
  await during(app(folder, { [first]: text }), () => {})
  for (const same of [text.replaceAll('\n', '\r\n'), `\n${text}\n\n`, text.trim()])
    await during(app(folder, { [first]: same }), () => {})
  const error = await errorOf(() => app(folder, { [first]: text.replace('b (b)', 'b (c)') }).start())
  assert.deepEqual([error.name, error.code], ['MigrationError', 'HANDCAR_MIGRATION_CHANGED'])
  assert.match(error.message, /20260101000000_create_posts/)
})

test('a database with migrations that the code does not know is refused', async () => {
  using folder = temporaryFolder()
  await during(app(folder, { [first]: posts, [second]: 'create table b (b)' }), () => {})
  rmSync(folder.file(`db/${second}`))
  const error = await errorOf(() => app(folder, {}).start())
  assert.equal(error.code, 'HANDCAR_MIGRATION_NEWER')
  assert.deepEqual(error.details?.unknown, ['20260102000000_change'])
})

test('older code runs on a newer schema when it is told to, and applies what it brings itself', async () => {
  using folder = temporaryFolder()
  await during(app(folder, { [first]: posts, [second]: 'create table b (b)' }), () => {})
  rmSync(folder.file(`db/${second}`))
  const third = '20260103000000_other.sql'
  const older = app(folder, { [third]: 'create table c (c)' }, { newerSchema: 'accept' })
  await during(older, (database) => {
    const tables = database.all<{ name: string }>("select name from sqlite_schema where name in ('b', 'c')")
    assert.equal(tables.length, 2)
  })
})

test('the same holds for the tables of a part', async () => {
  using folder = temporaryFolder()
  const [older, newer] = ['create table a (a)', 'create table b (b)'].map((text, index) => ({
    name: `${index}_part`,
    sql: text,
  }))
  await during(app(folder, {}, { partMigrations: { jobs: [older!, newer!] } }), () => {})
  const partMigrations = { jobs: [older!] }
  assert.equal(
    (await errorOf(() => app(folder, {}, { partMigrations }).start())).code,
    'HANDCAR_MIGRATION_NEWER',
  )
  await during(app(folder, {}, { partMigrations, newerSchema: 'accept' }), () => {})
})

test('a migration that fails is taken back whole, those before it stay, and a correction goes on', async () => {
  using folder = temporaryFolder()
  const broken = 'create table b (b); insert into posts (title) values (1); insert into missing values (1);'
  const error = await errorOf(() => app(folder, { [first]: posts, [second]: broken }).start())
  assert.equal(error.code, 'HANDCAR_MIGRATION_FAILED')
  assert.match(error.message, /20260102000000_change.*no such table: missing/)
  assert.equal((error.cause as { code: string }).code, 'SQLITE_ERROR')
  const tables = await during(app(folder, { [second]: 'create table c (c)' }), (database) =>
    database
      .all<{ name: string }>("select name from sqlite_schema where type = 'table' order by name")
      .map(({ name }) => name),
  )
  assert.deepEqual(tables, ['c', 'handcar_migrations', 'posts'])
})

const controlling = [
  'begin; create table a (a); commit;',
  'BEGIN IMMEDIATE;\ncreate table a (a);\nEND;',
  'create table a (a); commit;',
  'create table a (a);\n-- done\nCOMMIT',
  'create table a (a); /* done */ end;',
  'create table a (a); end transaction;',
  'create table a (a); rollback',
  'savepoint s; create table a (a); release s;',
  'create trigger r after insert on posts begin select 1; end; commit;',
]
for (const sql of controlling) {
  test(`a migration that controls transactions is refused: ${sql.replaceAll(/\s+/g, ' ')}`, async () => {
    using folder = temporaryFolder()
    const error = await errorOf(() => app(folder, { [first]: posts, [second]: sql }).start())
    assert.equal(error.code, 'HANDCAR_MIGRATION_NAME')
    assert.match(error.fix!, /Remove BEGIN/)
    assert.deepEqual(await during(app(folder, { [second]: 'create table a (b)' }), applied), [
      '20260101000000_create_posts',
      '20260102000000_change',
    ])
  })
}

const harmless = [
  `create trigger touched after update on posts begin
     update posts set title = case when new.title = '' then 'none' else new.title end where id = new.id;
     insert into posts (title) select 'commit' where false;
   end;
   create trigger again after delete on posts begin select 1; end;`,
  "insert into posts (title) values ('a; commit; b'), ('it''s; rollback;'), ('-- begin;');",
  'insert or rollback into posts (id, title) values (1, 1);',
  'create table "begin" ("a; commit;" text); -- ; commit;\n/* ; rollback; */',
  "create trigger r before insert on posts begin select raise(rollback, 'no') where new.title = ''; end",
]
for (const sql of harmless) {
  test(`words that only look like transactions are fine: ${sql.replaceAll(/\s+/g, ' ').slice(0, 60)}`, async () => {
    using folder = temporaryFolder()
    assert.equal((await during(app(folder, { [first]: posts, [second]: sql }), applied)).length, 2)
  })
}

const parents = `
  create table parents (id integer primary key, name text);
  create table children (id integer primary key, parent integer not null references parents on delete cascade);
  insert into parents values (1, 'a'), (2, 'b');
  insert into children values (1, 1), (2, 2);`

test('a table is rebuilt without losing the rows that refer to it', async () => {
  using folder = temporaryFolder()
  const rebuild = `
    create table new_parents (id integer primary key, name text not null);
    insert into new_parents select id, name from parents;
    drop table parents;
    alter table new_parents rename to parents;`
  const children = await during(app(folder, { [first]: parents, [second]: rebuild }), (database) =>
    database.all('select id, parent from children'),
  )
  assert.deepEqual(children, [
    { id: 1, parent: 1 },
    { id: 2, parent: 2 },
  ])
})

test('rows that would point at nothing are named, and the migration is taken back', async () => {
  using folder = temporaryFolder()
  const error = await errorOf(() =>
    app(folder, { [first]: parents, [second]: 'delete from parents where id = 2' }).start(),
  )
  assert.equal(error.code, 'HANDCAR_MIGRATION_FOREIGN_KEYS')
  assert.match(error.message, /row 2 of children, which refers to parents/)
  const count = await during(app(folder, { [second]: 'create table c (c)' }), (database) =>
    database.get('select count(*) as n from parents'),
  )
  assert.deepEqual(count, { n: 2 })
})

test('rows that pointed at nothing before do not block, new ones beside them do', async () => {
  using folder = temporaryFolder()
  const broken = `
    create table parents (id integer primary key);
    create table children (
      id integer, one integer references parents, other integer references parents, primary key (id)
    ) without rowid;`
  const loose = new Database({
    path: folder.file('app.sqlite3'),
    migrations: folder.file('db'),
    pragmas: { foreign_keys: 'off' },
  })
  mkdirSync(folder.file('db'))
  writeFileSync(folder.file(`db/${first}`), broken)
  await during(loose, (database) => database.run('insert into children values (1, 7, null), (2, null, null)'))
  await during(app(folder, { [second]: 'create table c (c)' }), () => {})
  for (const worse of [
    'update children set other = 8 where id = 1',
    'update children set one = 9 where id = 2',
  ]) {
    const database = app(folder, { '20260103000000_worse.sql': worse })
    assert.equal(await codeOf(() => database.start()), 'HANDCAR_MIGRATION_FOREIGN_KEYS', worse)
  }
})

test('names that cannot be used, and a folder that is missing, are said', async () => {
  for (const name of [
    'create_posts.sql',
    '2026_posts.sql',
    '20260101000000.sql',
    '20260101000000_créer.sql',
    '20260101000000_a b.sql',
  ]) {
    using folder = temporaryFolder()
    const error = await errorOf(() => app(folder, { [name]: posts }).start())
    assert.equal(error.code, 'HANDCAR_MIGRATION_NAME', name)
    assert.ok(error.message.includes(name))
  }
  using folder = temporaryFolder()
  const missing = new Database({ path: folder.file('app.sqlite3'), migrations: folder.file('nowhere') })
  const error = await errorOf(() => missing.start())
  assert.equal(error.code, 'HANDCAR_MIGRATION_NAME')
  assert.match(error.fix!, /Create the folder/)
})

test('a file that is empty or has only comments is a migration too', async () => {
  using folder = temporaryFolder()
  assert.equal((await during(app(folder, { [first]: '', [second]: '-- nothing yet\n' }), applied)).length, 2)
})

test('migrations of parts are kept apart by their owner', async () => {
  using folder = temporaryFolder()
  const of = (sql: string): Migration[] => [{ name: '1', sql }]
  const database = new Database({
    path: folder.file('app.sqlite3'),
    partMigrations: { jobs: of('create table jobs (a)'), cache: of('create table cache (a)') },
  })
  const owners = await during(database, (started) =>
    started.all('select owner, name from handcar_migrations order by owner'),
  )
  assert.deepEqual(owners, [
    { owner: 'cache', name: '1' },
    { owner: 'jobs', name: '1' },
  ])
})
