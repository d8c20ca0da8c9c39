import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Database } from '../database/index.ts'
import { Branches } from './branches.ts'

const file = 'app.sqlite3'
const branchesIn = ({ path }: TemporaryFolder): Branches =>
  new Branches({ root: path, file, defaultBranch: 'main' })

async function write(path: string, ...statements: string[]): Promise<void> {
  await using database = new Database({ path, readers: false, logger: recordingLogger() })
  await database.start()
  await database.write((tx) => {
    for (const statement of statements) tx.run(statement)
  })
}

async function rows(path: string, query: string): Promise<unknown[]> {
  await using database = new Database({ path, readOnly: true, readers: false, logger: recordingLogger() })
  await database.start()
  return database.all<Record<string, unknown>>(query).map((row) => Object.values(row).join(' '))
}

const schema = [
  'create table people (id integer primary key, name text not null, age integer)',
  'create table posts (id integer primary key, author integer references people (id), title text)',
]
const people = "insert into people (id, name, age) values (1, 'Ann', 30), (2, 'Bob', 40), (3, 'Cid', 50)"

/** A default branch with three people, and a branch that was made of it. */
async function forked(
  folder: TemporaryFolder,
  extra: string[] = [],
): Promise<{ branches: Branches; main: string; branch: string }> {
  const branches = branchesIn(folder)
  const main = branches.path('main')
  await write(main, ...schema, people, ...extra)
  await branches.create('feature/x')
  return { branches, main, branch: branches.path('feature/x') }
}

const allPeople = 'select id, name, age from people order by id'

test('a branch begins with the data of the default branch, and goes its own way', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  assert.match(branch, /branches\/feature-x-[0-9a-f]{8}\/app\.sqlite3$/)
  assert.equal(await branches.create('feature/x'), false)
  await write(branch, "update people set name = 'Eve' where id = 1")
  assert.deepEqual(await rows(main, allPeople), ['1 Ann 30', '2 Bob 40', '3 Cid 50'])
  assert.deepEqual(await rows(branch, allPeople), ['1 Eve 30', '2 Bob 40', '3 Cid 50'])
  const [first, second] = await branches.list()
  assert.deepEqual([first?.name, first?.isDefault, first?.data], ['main', true, folder.path])
  assert.deepEqual([second?.name, second?.from], ['feature/x', 'data'])
  assert.deepEqual(await branches.diff('feature/x'), {
    schema: [],
    tables: [{ table: 'people', inserts: 0, updates: 1, deletes: 0, conflicts: [] }],
    withoutKey: [],
  })
})

test('a merge brings over what the branch has added, changed and deleted, and leaves what the other has', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  await write(branch, "update people set name = 'Anna' where id = 1", 'delete from people where id = 2')
  await write(
    branch,
    "insert into people values (10, 'Dora', null)",
    "insert into posts values (1, 10, 'hello')",
  )
  await write(main, 'update people set age = 51 where id = 3', "insert into people values (20, 'Max', 9)")
  const done = await branches.merge('feature/x')
  assert.equal(done.isMerged, true)
  const merged = ['1 Anna 30', '3 Cid 51', '10 Dora ', '20 Max 9']
  assert.deepEqual(await rows(main, allPeople), merged)
  assert.deepEqual(await rows(main, 'select * from posts'), ['1 10 hello'])

  const again = await branches.merge('feature/x')
  assert.deepEqual([again.isMerged, again.tables], [true, []], 'what was merged is not merged again')
  await write(branch, "update people set name = 'Annabel' where id = 1")
  await write(main, 'delete from people where id = 20')
  await branches.merge('feature/x')
  assert.deepEqual(await rows(main, allPeople), ['1 Annabel 30', '3 Cid 51', '10 Dora '])
})

/** Each row was changed on both sides; what is expected with the branch preferred, and with the default branch. */
test('rows that both have changed are conflicts, and none is dropped', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  await write(branch, "update people set name = 'here' where id = 1", 'delete from people where id = 2')
  await write(
    branch,
    'update people set age = 1 where id = 3',
    "insert into people values (4, 'new here', 0), (5, 'same', 0)",
  )
  await write(main, "update people set name = 'there' where id = 1", 'update people set age = 2 where id = 2')
  await write(
    main,
    'delete from people where id = 3',
    "insert into people values (4, 'new there', 0), (5, 'same', 0)",
  )
  const before = await rows(main, allPeople)
  const { isMerged, tables } = await branches.merge('feature/x')
  assert.equal(isMerged, false)
  assert.deepEqual(await rows(main, allPeople), before)
  const conflicts = tables[0]!.conflicts.map(({ key, kind, columns }) => [key['id'], kind, columns])
  assert.deepEqual(
    conflicts.toSorted((one, other) => Number(one[0]) - Number(other[0])),
    [
      [1, 'changed on both', ['name']],
      [2, 'deleted here, changed there', []],
      [3, 'changed here, deleted there', []],
      [4, 'added on both', ['name']],
    ],
  )
  const target = await branches.merge('feature/x', 'target')
  assert.equal(target.isMerged, true)
  assert.deepEqual(await rows(main, allPeople), before)
})

test('with the branch preferred its rows win', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  await write(branch, "update people set name = 'here' where id = 1", 'delete from people where id = 2')
  await write(branch, 'update people set age = 1 where id = 3')
  await write(main, "update people set name = 'there' where id < 3", 'delete from people where id = 3')
  assert.equal((await branches.merge('feature/x', 'branch')).isMerged, true)
  assert.deepEqual(await rows(main, allPeople), ['1 here 30', '3 Cid 1'])
})

test('values differ by type and bytes, not by collation; keys with capitals, nulls and bytes work', async () => {
  using folder = temporaryFolder()
  const table =
    'create table odd (a text collate nocase, b blob, value text collate nocase, primary key (a, b))'
  const { branches, main, branch } = await forked(folder, [
    table,
    "insert into odd values ('x', x'00', 'low'), (null, x'01', 1)",
  ])
  await write(
    branch,
    "update odd set value = 'LOW' where a = 'x'",
    "update odd set value = 'n' || char(0) || 'ul' where a is null",
  )
  const { isMerged } = await branches.merge('feature/x')
  assert.equal(isMerged, true)
  assert.deepEqual(await rows(main, 'select value, length(cast(value as blob)) from odd order by b'), [
    'LOW 3',
    'n\0ul 4',
  ])
})

test('a merge that would leave rows pointing at nothing, or break a rule, does nothing', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder, [
    'create table tags (id integer primary key, name text unique)',
  ])
  await write(branch, "insert into posts values (1, 3, 'by Cid')")
  await write(main, 'delete from people where id = 3')
  const dangling = await errorOf(() => branches.merge('feature/x'))
  assert.equal(dangling.code, 'HANDCAR_BRANCH_MERGE')
  assert.match(dangling.message, /row 1 of posts, which refers to people/)
  assert.deepEqual(await rows(main, 'select * from posts'), [])
  await write(branch, 'delete from posts', "insert into tags values (1, 'red')")
  await write(main, "insert into tags values (2, 'red')")
  const unique = await errorOf(() => branches.merge('feature/x'))
  assert.match(unique.message, /The rows of tags do not fit: UNIQUE constraint failed/)
  assert.deepEqual(await rows(main, 'select id from tags'), ['2'])
  assert.deepEqual(
    readdirSync(branches.place('feature/x').data).filter((each) => each.includes('partial')),
    [],
  )
})

test('tables that differ are told, and not merged', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  await write(
    branch,
    'alter table people add column email text',
    "update people set email = 'a@b' where id = 1",
  )
  await write(
    branch,
    'create table extra (id integer primary key)',
    "update people set name = 'Anna' where id = 1",
  )
  const { schema: changes } = await branches.diff('feature/x')
  assert.deepEqual(changes, [
    { type: 'table', name: 'people', change: 'changed' },
    { type: 'table', name: 'extra', change: 'added' },
  ])
  assert.equal(await codeOf(() => branches.merge('feature/x')), 'HANDCAR_BRANCH_SCHEMA')
  await write(main, 'alter table people add column email text', 'create table extra (id integer primary key)')
  const { isMerged, tables } = await branches.merge('feature/x')
  assert.deepEqual(
    [isMerged, tables[0]!.conflicts.map(({ columns }) => columns)],
    [false, [['name', 'email']]],
  )
})

test('a table without a primary key is merged as long as nobody has changed it', async () => {
  using folder = temporaryFolder()
  const { branches, branch } = await forked(folder, [
    'create table log (line text)',
    "insert into log values ('one')",
  ])
  await write(branch, "update people set name = 'Anna' where id = 1")
  assert.equal((await branches.merge('feature/x')).isMerged, true)
  await write(branch, "insert into log values ('one')")
  const { isMerged, withoutKey } = await branches.merge('feature/x', 'branch')
  assert.deepEqual([isMerged, withoutKey], [false, ['log']])
})

test('a search index follows by its triggers; tables of handcar stay as they are', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder, [
    "create virtual table found using fts5 (name, content = 'people', content_rowid = 'id')",
    'create trigger people_added after insert on people begin insert into found (rowid, name) values (new.id, new.name); end',
    'create table handcar_things (id integer primary key)',
  ])
  await write(branch, "insert into people values (7, 'Gus', 1)", 'insert into handcar_things values (1)')
  assert.equal((await branches.merge('feature/x')).isMerged, true)
  assert.deepEqual(await rows(main, "select rowid from found where found match 'gus'"), ['7'])
  assert.deepEqual(await rows(main, 'select * from handcar_things'), [])
})

test('a branch that begins with nothing compares with nothing', async () => {
  using folder = temporaryFolder()
  const branches = branchesIn(folder)
  await write(branches.path('main'), ...schema, people)
  await branches.create('empty', 'schema')
  assert.ok(!existsSync(branches.path('empty')))
  assert.equal(await codeOf(() => branches.diff('empty')), 'HANDCAR_BRANCH_MISSING')
  await write(branches.path('empty'), ...schema, "insert into people values (1, 'Ann', 30), (9, 'New', 1)")
  assert.equal((await branches.merge('empty')).isMerged, true)
  assert.deepEqual(await rows(branches.path('main'), 'select count(*) from people'), ['4'])
})

test('while the default branch is written, and while the branch is open', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  await using open = new Database({ path: branch, readers: false, logger: recordingLogger() })
  await open.start()
  await open.run("update people set name = 'Anna' where id = 1")
  await using served = new Database({ path: main, readers: false, logger: recordingLogger() })
  await served.start()
  assert.equal((await branches.merge('feature/x')).isMerged, true)
  assert.deepEqual(served.get('select name from people where id = 1'), { name: 'Anna' })
  assert.equal(await codeOf(() => branches.delete('feature/x')), 'HANDCAR_DATABASE_IN_USE')
  await open.stop()
  await branches.delete('feature/x')
  assert.deepEqual(
    (await branches.list()).map(({ name }) => name),
    ['main'],
  )
})

test('names that are wrong, and what a crash has left', async () => {
  using folder = temporaryFolder()
  const { branches } = await forked(folder)
  const missing = await errorOf(() => branches.merge('feature/y'))
  assert.deepEqual([missing.code, missing.fix], ['HANDCAR_BRANCH_MISSING', 'Did you mean feature/x?'])
  assert.equal(await codeOf(() => branches.delete('main')), 'HANDCAR_BRANCH_MISSING')
  mkdirSync(folder.file('branches/.y.1a2b.partial'))
  writeFileSync(folder.file('branches/.y.1a2b.partial/app.sqlite3'), '')
  mkdirSync(branches.place('y').data)
  await branches.create('y')
  assert.ok(!existsSync(folder.file('branches/.y.1a2b.partial')))
  assert.deepEqual(await rows(branches.path('y'), allPeople), ['1 Ann 30', '2 Bob 40', '3 Cid 50'])
})

test('a merge that was killed is done again: what it has brought is no conflict, and what it has left is removed', async () => {
  using folder = temporaryFolder()
  const { branches, main, branch } = await forked(folder)
  const ancestor = join(dirname(branch), 'ancestor.sqlite3')
  const before = folder.file('before')
  copyFileSync(ancestor, before)
  await write(
    branch,
    "update people set name = 'Eve' where id = 1",
    'delete from people where id = 2',
    "insert into people values (4, 'Dan', 60)",
  )
  assert.equal((await branches.merge('feature/x')).isMerged, true)
  // Killed when the rows were committed, before it was noted what was merged.
  rmSync(ancestor)
  copyFileSync(before, ancestor)
  writeFileSync(join(dirname(branch), '.merged.0123.partial'), 'half of a copy')
  const again = await branches.merge('feature/x')
  assert.equal(again.isMerged, true)
  assert.deepEqual(await rows(main, allPeople), ['1 Eve 30', '3 Cid 50', '4 Dan 60'])
  const left = readdirSync(dirname(branch)).filter((name) => name.endsWith('.partial'))
  assert.deepEqual(left, [])
})
