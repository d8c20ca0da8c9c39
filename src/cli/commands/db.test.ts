import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar } from '../../../test/helpers/command-line.ts'

const schema = 'create table posts (id integer primary key, title text, body blob) strict'

async function migratedApp(): Promise<AppFolder> {
  const folder = appFolder({ 'db/migrations/20260101000000_posts.sql': schema })
  await handcar(['migrate'], { folder: folder.path })
  return folder
}

const db = (folder: AppFolder, words: string[], input?: string) =>
  handcar(['db', ...words], { folder: folder.path, ...(input !== undefined && { input }) })

test('runs one statement and prints its rows', async () => {
  using folder = await migratedApp()
  const insert = "insert into posts (title, body) values ('one', x'00ff'), ('a' || char(10) || 'b', null)"
  assert.equal((await db(folder, ['--write', insert])).output, '2 rows changed\n')
  assert.equal(
    (await db(folder, ['select * from posts'])).output,
    ['id  title  body   ', " 1  one    x'00ff'", ' 2  a\\nb   null', '']
      .map((line) => line.trimEnd())
      .join('\n'),
  )
  const json = await db(folder, ['--json', 'select * from posts'])
  assert.deepEqual(JSON.parse(json.output), [
    { id: 1, title: 'one', body: '00ff' },
    { id: 2, title: 'a\nb', body: null },
  ])
  const returning = await db(folder, ['--write', '--json', 'delete from posts returning id'])
  assert.deepEqual(JSON.parse(returning.output), [{ id: 1 }, { id: 2 }])
  const none = await db(folder, ['select * from posts'])
  assert.deepEqual(none, { code: 0, output: '', errors: 'no rows\n' })
  assert.deepEqual((await db(folder, ['--json', 'select * from posts'])).output, '[]\n')
})

const refused: [string, RegExp][] = [
  ["insert into posts (title) values ('no')", /HANDCAR_READ_ONLY/],
  ['delete from posts returning id', /HANDCAR_READ_ONLY/],
  ['drop table posts', /HANDCAR_READ_ONLY/],
  ['pragma journal_mode = delete', /HANDCAR_STATEMENT_CONTROL/],
  ['select nope', /^error: no such column: nope\ncode: +SQLITE_ERROR\n$/],
  ['select 1; select 2', /more than one statement/],
]
for (const [statement, message] of refused) {
  test(`${statement} is refused without --write`, async () => {
    using folder = await migratedApp()
    const { code, output, errors } = await db(folder, [statement])
    assert.deepEqual([code, output], [1, ''])
    assert.match(errors, message)
  })
}

test('the shell runs statements from standard input', async () => {
  using folder = await migratedApp()
  const script = `
    insert into posts (title) values ('it''s; one'); insert into posts (title)
      values ('two');
    -- a comment; nothing more
    .tables
    select title from posts;
    .schema posts
    .nope
    .quit
    select 'not reached';`.replaceAll(/^ {4}/gm, '')
  const { code, output, errors } = await db(folder, ['--write'], script)
  assert.equal(code, 0, errors)
  const own = output.toLowerCase().replaceAll(/^handcar_(?!migrations).*\n/gm, '')
  const expected = `1 row changed\n1 row changed\nhandcar_migrations\nposts\ntitle\nit's; one\ntwo\n${schema};\n`
  assert.equal(own, expected)
  assert.match(errors, /There is no command \.nope/)
})

test('in a script the first error ends the shell', async () => {
  using folder = await migratedApp()
  const { code, output, errors } = await db(folder, [], 'delete from posts;\nselect 1 as one;\n')
  assert.deepEqual([code, output], [1, ''])
  assert.match(errors, /HANDCAR_READ_ONLY/)
})

test('a last statement without a semicolon is not run, and said', async () => {
  using folder = await migratedApp()
  const { code, errors } = await db(folder, ['--write'], 'delete from posts')
  assert.equal(code, 1)
  assert.match(errors, /no semicolon/)
})

for (const words of [[], ['--write'], ['select 1']]) {
  test(`db ${words.join(' ')} creates no database`, async () => {
    using folder = appFolder()
    const { code, errors } = await db(folder, words)
    assert.equal(code, 1)
    assert.match(
      errors,
      /There is no database .*app\.sqlite3 yet\nfix: .*handcar migrate.*\ncode: +HANDCAR_DATABASE_PATH/,
    )
    assert.ok(!existsSync(folder.file('data')))
  })
}

test('opening the shell runs no migration', async () => {
  using folder = await migratedApp()
  folder.write('db/migrations/20260102000000_more.sql', 'create table more (id)')
  assert.doesNotMatch((await db(folder, ['--write'], '.tables\n')).output, /more/)
})

/** Runs `handcar db` at a terminal, with a program of our own as the system's `sqlite3`. */
function atTerminal(folder: AppFolder, version: string, words: string): { output: string } {
  folder.write(
    'bin/sqlite3',
    `#!/bin/sh\n[ "$1" = --version ] && echo "${version} 2026" || echo "sqlite3: $*"\n`,
  )
  chmodSync(folder.file('bin/sqlite3'), 0o755)
  const main = join(import.meta.dirname, '../main.ts')
  const line = `'${process.execPath}' --conditions=handcar-source '${main}' db ${words}`
  const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: folder.path,
    env: {
      ...process.env,
      PATH: `${folder.file('bin')}:${process.env['PATH']}`,
      PWD: folder.path,
      NO_COLOR: '1',
    },
    input: '.tables\n.quit\n',
    encoding: 'utf8',
  })
  return { output: stdout.replaceAll('\r', '') }
}

const hasTerminal = spawnSync('script', ['--version']).status === 0
const skip = !hasTerminal && 'the program `script` makes the terminal'

test('at a terminal, an sqlite3 that is new enough takes over', { skip }, async () => {
  using folder = await migratedApp()
  const path = folder.file('data/app.sqlite3')
  const settings = '-cmd .timeout 5000 -cmd pragma foreign_keys = on'
  assert.match(
    atTerminal(folder, '3.51.3', '').output,
    new RegExp(`^sqlite3: ${settings} -readonly ${path}$`, 'm'),
  )
  assert.match(
    atTerminal(folder, '3.60.0', '--write').output,
    new RegExp(`^sqlite3: ${settings} ${path}$`, 'm'),
  )
})

test('an sqlite3 that could damage the database is not used', { skip }, async () => {
  using folder = await migratedApp()
  const { output } = atTerminal(folder, '3.51.2', '')
  assert.doesNotMatch(output, /^sqlite3:/m)
  assert.match(output, /sql> [^]*^handcar_migrations\n[^]*^posts$/m)
})
