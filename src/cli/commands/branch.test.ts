import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'

const skip = spawnSync('git', ['--version']).status !== 0 && 'needs git'
const files = {
  '.gitignore': 'data\nnode_modules\n',
  '.env': 'HANDCAR_BRANCHES=1\nNODE_ENV=development\n',
  'db/migrations/20260101000000_posts.sql': 'create table posts (id integer primary key, title text) strict',
  'src/app.js': `export default ({ database }) => ({
    fetch: () => Response.json(database.all('select title from posts order by id').map(({ title }) => title)),
  })`,
}

function git(folder: AppFolder, ...words: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false']
  execFileSync('git', [...identity, ...words], { cwd: folder.path, stdio: 'pipe' })
}

function repository(): AppFolder {
  const folder = appFolder(files)
  git(folder, 'init', '-q', '-b', 'main')
  git(folder, 'add', '-A')
  git(folder, 'commit', '-q', '-m', 'first')
  return folder
}

async function run(folder: AppFolder, words: string[], expected = 0): Promise<string> {
  const { code, output, errors } = await handcar(words, { folder: folder.path })
  assert.equal(code, expected, output + errors)
  return output + errors
}

const write = (folder: AppFolder, statement: string): Promise<string> =>
  run(folder, ['db', '--write', statement])

test('each branch has its data; they are compared and merged', { skip }, async () => {
  using folder = repository()
  await run(folder, ['migrate'])
  await write(folder, "insert into posts values (1, 'one'), (2, 'two')")
  git(folder, 'switch', '-q', '-c', 'feature/x')
  assert.match(await run(folder, ['migrate']), /making a database for the branch feature\/x/)
  await write(folder, "update posts set title = 'uno' where id = 1")
  await write(folder, "insert into posts values (3, 'three')")
  assert.match(await run(folder, ['branch', 'list']), /^ {2}main .*default\n\* feature\/x/m)
  assert.match(await run(folder, ['branch', 'diff']), /^posts +1 +1 +0 +0$/m)
  assert.match(await run(folder, ['branch', 'merge', '--dry-run']), /Nothing was changed/)

  git(folder, 'switch', '-q', 'main')
  assert.match(await run(folder, ['db', 'select title from posts']), /^one\n *two$/m)
  await write(folder, "update posts set title = 'eins' where id = 1")
  const conflict = await run(folder, ['branch', 'merge', 'feature/x'], 1)
  assert.match(conflict, /^conflict posts \{"id":1\}: changed on both \(title\)$/m)
  assert.match(conflict, /Nothing was merged\. Mend/)
  assert.equal(
    (JSON.parse(await run(folder, ['branch', 'diff', 'feature/x', '--json'], 1)) as { tables: unknown[] })
      .tables.length,
    1,
  )
  assert.match(
    await run(folder, ['branch', 'merge', 'feature/x', '--prefer', 'branch']),
    /^Merged feature\/x into main/m,
  )
  const merged = JSON.parse(await run(folder, ['db', '--json', 'select title from posts'])) as {
    title: string
  }[]
  assert.deepEqual(
    merged.map(({ title }) => title),
    ['uno', 'two', 'three'],
  )
  assert.match(await run(folder, ['snapshot', 'list']), /merge +before feature\/x/)

  assert.match(await run(folder, ['branch', 'prune']), /Git has all branches/)
  git(folder, 'branch', '-q', '-D', 'feature/x')
  assert.match(await run(folder, ['branch', 'prune']), /feature\/x .*\n.*add --yes/)
  assert.match(await run(folder, ['branch', 'prune', '--yes']), /Deleted/)
  assert.match(await run(folder, ['branch', 'diff', 'feature/x'], 1), /HANDCAR_BRANCH_MISSING/)
  assert.match(await run(folder, ['branch', 'merge'], 2), /other than main/)
})

test('dev serves the data of the branch that is checked out', { skip }, async () => {
  using folder = repository()
  await run(folder, ['migrate'])
  await write(folder, "insert into posts values (1, 'main')")
  git(folder, 'switch', '-q', '-c', 'other')
  await using dev = new RunningCommand(['dev'], { folder: folder.path, environment: { PORT: '0' } })
  const address = await dev.address()
  const titles = async (): Promise<unknown> => (await fetch(address)).json()
  assert.deepEqual(await titles(), ['main'])
  await write(folder, "insert into posts values (2, 'other')")
  assert.deepEqual(await titles(), ['main', 'other'])
  assert.ok(existsSync(folder.file('data/branches/other/app.sqlite3')))
  assert.match(await run(folder, ['branch', 'delete', 'other'], 1), /HANDCAR_DATABASE_IN_USE/)
})

test('off, in production, and outside of git', { skip }, async () => {
  using folder = appFolder({ ...files, '.env': '' })
  assert.match(await run(folder, ['branch', 'list'], 1), /without.*\nfix: +Set HANDCAR_BRANCHES=1/)
  folder.write('handcar.config.js', "export default { database: { branches: 'nonsense' } }")
  assert.match(await run(folder, ['branch', 'list'], 1), /expected true, false, "data" or "schema"/)
  folder.write(
    'handcar.config.js',
    "export default { database: { branches: 'schema' }, environment: 'production' }",
  )
  assert.match(await run(folder, ['branch', 'list'], 1), /runs as production/)
  await run(folder, ['migrate'])
  assert.ok(existsSync(folder.file('data/app.sqlite3')), 'in production all branches have the same data')
  folder.write('handcar.config.js', 'export default { database: { branches: true } }')
  assert.match(await run(folder, ['branch', 'list'], 1), /HANDCAR_BRANCH_NOT_FOUND/)
})
