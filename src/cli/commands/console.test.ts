import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar } from '../../../test/helpers/command-line.ts'
import { historyFile } from '../console/repl.ts'

const files = {
  'db/migrations/20260101000000_posts.sql': 'create table posts (title text) strict',
  'src/app.js': `
    import { writeFileSync } from 'node:fs'
    writeFileSync('loaded', '')
    export default (handcar) => ({ fetch: () => new Response('role ' + handcar.role) })`,
}

async function migratedApp(): Promise<AppFolder> {
  const folder = appFolder(files)
  await handcar(['migrate'], { folder: folder.path })
  return folder
}

const evaluate = (folder: AppFolder, code: string, ...words: string[]) =>
  handcar(['console', '--eval', code, ...words], { folder: folder.path })

const results: [string, string][] = [
  ['1 + 1', '2\n'],
  ["'text'", 'text\n'],
  ['undefined', ''],
  ['{ a: [1] }', '{ a: [ 1 ] }\n'],
  ['handcar.role', 'script\n'],
  ['const { path } = database; return path.endsWith("data/app.sqlite3")', 'true\n'],
  [
    "await database.run(sql`insert into posts values (${'a'})`); return database.all('select * from posts')",
    "[ { title: 'a' } ]\n",
  ],
  ['database.run("insert into posts values (1)").then(({ changes }) => changes)', '1\n'],
  ['(await (await app).fetch()).text()', 'role script\n'],
]
for (const [code, expected] of results) {
  test(`--eval ${code}`, async () => {
    using folder = await migratedApp()
    const { code: exitCode, output, errors } = await evaluate(folder, code)
    assert.deepEqual([exitCode, output, errors], [0, expected, ''])
  })
}

test('the app is loaded when it is asked for, not before', async () => {
  using folder = await migratedApp()
  await evaluate(folder, 'database.path')
  assert.ok(!existsSync(folder.file('loaded')))
  await evaluate(folder, 'app')
  assert.ok(existsSync(folder.file('loaded')))
})

test('code may import what the app can import', async () => {
  using folder = await migratedApp()
  const { output } = await evaluate(
    folder,
    "(await import('handcar')).Handcar.name + (await import('./src/app.js')).default.length",
  )
  assert.equal(output, 'Handcar1\n')
})

for (const [code, message] of [
  ["throw new Error('mine')", /^error: Error: mine\n +at code:1/],
  ['await database.run("nonsense")', /^error: near "nonsense"/],
  ['foo(', /SyntaxError/],
  ['nope', /nope is not defined/],
] as const) {
  test(`--eval ${code} fails`, async () => {
    using folder = await migratedApp()
    const { code: exitCode, errors } = await evaluate(folder, code)
    assert.equal(exitCode, 1)
    assert.match(errors, message)
  })
}

test('--read-only refuses every write', async () => {
  using folder = await migratedApp()
  for (const code of [
    "database.run('delete from posts')",
    'database.write((tx) => tx.run("insert into posts values (1)"))',
  ]) {
    const { code: exitCode, errors } = await evaluate(folder, code, '--read-only')
    assert.equal(exitCode, 1)
    assert.match(errors, /read-only and takes no writes\nfix: .*\ncode: +HANDCAR_READ_ONLY/)
  }
  const read = await evaluate(folder, "database.get('select count(*) as posts from posts')", '--read-only')
  assert.equal(read.output, '{ posts: 0 }\n')
})

test('opening the console runs no migration', async () => {
  using folder = await migratedApp()
  folder.write('db/migrations/20260102000000_more.sql', 'create table more (id)')
  const { output } = await evaluate(
    folder,
    `database.all("select name from handcar_migrations where owner = 'app'").length`,
  )
  assert.equal(output, '1\n')
})

test('a session: await, the globals, a banner that warns of production, an end', async () => {
  using folder = await migratedApp()
  const input = "[] instanceof Array\nawait database.query('select 1 as a')\n"
  const at = { folder: folder.path, input }
  const { code, output } = await handcar(['console'], at)
  assert.equal(code, 0)
  assert.match(
    output,
    /^handcar .*, production, .*app\.sqlite3, writes change production; --read-only refuses them\n/,
  )
  assert.match(output, /true[^]*\[ \{ a: 1 \} \]/)
  const readOnly = await handcar(['console', '--read-only'], at)
  assert.match(readOnly.output, /^handcar .*, production, .*app\.sqlite3, read-only\n/)
  const development = await handcar(['console'], { ...at, environment: { NODE_ENV: 'development' } })
  assert.match(development.output, /^handcar .*, development, .*app\.sqlite3\n/)
})

test('history is kept where the XDG specification says', () => {
  assert.equal(historyFile({ XDG_STATE_HOME: '/state', HOME: '/home/a' }), '/state/handcar/console-history')
  assert.equal(historyFile({ HOME: '/home/a' }), '/home/a/.local/state/handcar/console-history')
})
