import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar } from '../../../test/helpers/command-line.ts'

const posts = '20260101000000_posts'
const tags = '20260102000000_tags'
const files = {
  [`db/migrations/${posts}.sql`]: 'create table posts (title text) strict',
  [`db/migrations/${tags}.sql`]: 'create table tags (name text) strict',
}

/** What is said of the app's own migrations. */
const withoutParts = (output: string): string => output.replaceAll(/^applied .* of \w+\n/gm, '')

const migrate = (folder: AppFolder, ...words: string[]) =>
  handcar(['migrate', ...words], { folder: folder.path })

test('runs what is pending, and lists what is applied and what is not', async () => {
  using folder = appFolder(files)
  const before = await migrate(folder, 'status')
  assert.equal(before.code, 0)
  assert.match(before.output, new RegExp(`^${posts} +app +pending$`, 'm'))
  assert.match(before.output, /^\d+_create_jobs +jobs +pending$/m)
  assert.ok(!existsSync(folder.file('data')), 'status creates nothing')

  const { code, output: first, errors } = await migrate(folder)
  assert.deepEqual([code, errors], [0, ''])
  assert.equal(withoutParts(first), `applied ${posts}\napplied ${tags}\n`)
  assert.match(first, /^applied \d+_create_jobs of jobs$/m)
  assert.match((await migrate(folder, 'status')).output, /^\d+_create_jobs +jobs +applied/m)
  assert.equal((await migrate(folder, 'run')).output, 'Nothing was pending.\n')

  folder.write('db/migrations/20260103000000_more.sql', 'create table more (id)')
  assert.match((await migrate(folder, 'status')).output, /^20260103000000_more +app +pending$/m)
  assert.match((await migrate(folder, 'status')).output, new RegExp(`^${posts} +app +applied +2\\d{3}-`, 'm'))
  const { output } = await migrate(folder, 'run', '--json')
  assert.deepEqual(
    (JSON.parse(output) as { name: string }[]).map(({ name }) => name),
    ['20260103000000_more'],
  )
})

test('status exits with 1 when the database and the files do not fit together', async () => {
  using folder = appFolder(files)
  await migrate(folder)
  folder.write(`db/migrations/${posts}.sql`, 'create table other (title text) strict')
  rmSync(folder.file(`db/migrations/${tags}.sql`))
  const { code, output } = await migrate(folder, 'status', '--json')
  assert.equal(code, 1)
  assert.deepEqual(
    (JSON.parse(output) as { owner: string; state: string }[])
      .filter(({ owner }) => owner === 'app')
      .map(({ state }) => state),
    ['changed', 'unknown'],
  )
})

test('a migration that fails is named, with its error', async () => {
  using folder = appFolder({ 'db/migrations/20260101000000_bad.sql': 'create tabel posts' })
  const { code, errors } = await migrate(folder)
  assert.equal(code, 1)
  assert.match(errors, /20260101000000_bad.*near "tabel".*\nfix: .*\ncode: +HANDCAR_MIGRATION_FAILED\n$/)
})

test('create makes a file that can be run', async () => {
  using folder = appFolder()
  const { code, output } = await migrate(folder, 'create', 'Add  Authors, and more!')
  assert.equal(code, 0)
  assert.match(output, /^db\/migrations\/\d{14}_add_authors_and_more\.sql\n$/)
  assert.match(readFileSync(folder.file(output.trim()), 'utf8'), /^--/)
  const [file = ''] = readdirSync(folder.file('db/migrations'))
  assert.equal(withoutParts((await migrate(folder)).output), `applied ${file.replace('.sql', '')}\n`)
})

test('dump writes the schema', async () => {
  using folder = appFolder(files)
  const early = await migrate(folder, 'dump')
  assert.equal(early.code, 1)
  assert.match(early.errors, /code: +HANDCAR_DATABASE_PATH/)
  await migrate(folder)
  assert.equal((await migrate(folder, 'dump')).output, 'db/schema.sql\n')
  const schema = readFileSync(folder.file('db/schema.sql'), 'utf8')
  assert.match(schema, /create table posts \(title text\) strict;\n/i)
  assert.match(schema, new RegExp(`'app', '${posts}'`))
  assert.equal((await migrate(folder, 'dump', '--stdout')).output, schema)
})
