import assert from 'node:assert/strict'
import { chownSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'

const files = { 'db/migrations/20260101000000_posts.sql': 'create table posts (title text) strict' }

async function run(folder: AppFolder, words: string[], expected = 0): Promise<string> {
  const { code, output, errors } = await handcar(words, { folder: folder.path })
  assert.equal(code, expected, output + errors)
  return output + errors
}

const post = (folder: AppFolder, title: string): Promise<string> =>
  run(folder, ['db', '--write', `insert into posts values ('${title}')`])

test('made, listed, checked, restored, deleted', async () => {
  using folder = appFolder(files)
  assert.match(await run(folder, ['snapshot', 'create'], 1), /There is no database .*app\.sqlite3 yet/)
  assert.match(await run(folder, ['snapshot', 'list']), /There are no snapshots/)
  await run(folder, ['migrate'])
  await post(folder, 'one')
  assert.match(
    await run(folder, ['snapshot', 'create', 'before', '--note', 'to be safe']),
    /^Made before: .* in /,
  )
  await post(folder, 'two')
  assert.match(await run(folder, ['snapshot', 'list']), /^before +2\d{3}-.* manual +to be safe$/m)
  const [listed] = JSON.parse(await run(folder, ['snapshot', 'list', '--json'])) as {
    name: string
    checksum: string
  }[]
  assert.equal(listed?.name, 'before')
  assert.match(listed.checksum, /^[0-9a-f]{64}$/)
  assert.equal(await run(folder, ['snapshot', 'check']), 'ok before\n')

  assert.match(await run(folder, ['snapshot', 'restore', 'befor'], 1), /Did you mean before\?/)
  await run(folder, ['snapshot', 'restore', 'before', '--to', 'look.sqlite3'])
  assert.ok(existsSync(folder.file('look.sqlite3')))
  assert.match(
    await run(folder, ['snapshot', 'restore', 'before', '--to', 'look.sqlite3'], 1),
    /HANDCAR_RESTORE_TARGET/,
  )
  const restored = await run(folder, ['snapshot', 'restore', 'before'])
  const [, replaced] = /that was there is in (.*)\./.exec(restored)!
  assert.ok(existsSync(`${replaced}/app.sqlite3`))
  assert.equal(
    await run(folder, ['db', '--json', 'select title from posts']),
    '[\n  {\n    "title": "one"\n  }\n]\n',
  )

  writeFileSync(folder.file('data/snapshots/before.sqlite3'), 'nothing any more')
  assert.match(await run(folder, ['snapshot', 'check', 'before'], 1), /^damaged before$/m)
  assert.match(await run(folder, ['snapshot', 'restore', 'before'], 1), /HANDCAR_SNAPSHOT_DAMAGED/)
  assert.match(await run(folder, ['snapshot', 'delete', 'before']), /Deleted before/)
  assert.match(await run(folder, ['snapshot', 'create', '../up'], 1), /HANDCAR_SNAPSHOT_NAME/)
})

test('never over an app that runs', async () => {
  using folder = appFolder(files)
  await using app = new RunningCommand(['start'], { folder: folder.path, environment: { PORT: '0' } })
  const address = await app.address()
  await run(folder, ['snapshot', 'create', 'while-it-runs'])
  assert.match(await run(folder, ['snapshot', 'restore', 'while-it-runs'], 1), /HANDCAR_ALREADY_RUNNING/)
  assert.equal(await (await fetch(address)).text(), 'hello')
  app.signal('SIGTERM')
  await app.ended()
  await run(folder, ['snapshot', 'restore', 'while-it-runs'])
  await using again = new RunningCommand(['start'], { folder: folder.path, environment: { PORT: '0' } })
  assert.equal(await (await fetch(await again.address())).text(), 'hello')
})

test('prune shows, deletes, and says what is wrong', async () => {
  using folder = appFolder(files)
  await run(folder, ['migrate'])
  for (const name of ['a', 'b']) await run(folder, ['snapshot', 'create', name])
  assert.match(await run(folder, ['snapshot', 'prune', '--keep', '1']), /nothing to delete/)
  assert.match(
    await run(folder, ['snapshot', 'prune', '--keep', '1', '--all', '--dry-run']),
    /^a .*\n.*would be deleted/m,
  )
  const pruned = JSON.parse(await run(folder, ['snapshot', 'prune', '--keep', '1', '--all', '--json'])) as {
    deleted: { name: string }[]
  }
  assert.deepEqual(
    pruned.deleted.map(({ name }) => name),
    ['a'],
  )
  assert.match(await run(folder, ['snapshot', 'prune', '--keep', '0'], 2), /--keep: expected a whole number/)
  assert.match(
    await run(folder, ['snapshot', 'prune', '--older-than', 'soon'], 2),
    /--older-than: expected .* got "soon"/,
  )
})

test('migrate makes one first, and tells its name', async () => {
  using folder = appFolder(files)
  await run(folder, ['migrate'])
  folder.write('db/migrations/20260102000000_tags.sql', 'create table tags (name text)')
  assert.match(await run(folder, ['migrate']), /Made the snapshot \d{8}-\d{6}-migration in /)
  folder.write('db/migrations/20260103000000_more.sql', 'create table more (name text)')
  assert.doesNotMatch(await run(folder, ['migrate', '--no-snapshot']), /snapshot/)
})

const isRoot = process.getuid?.() === 0

test('what root makes belongs to the owner of the database', { skip: !isRoot && 'needs root' }, async () => {
  using folder = appFolder(files)
  await run(folder, ['migrate'])
  const owner = 12_345
  for (const file of ['data', 'data/app.sqlite3']) chownSync(folder.file(file), owner, owner)
  await run(folder, ['snapshot', 'create', 'before'])
  const made = ['', '/.lock', '/before.sqlite3', '/before.json'].map((file) => `data/snapshots${file}`)
  await run(folder, ['snapshot', 'restore', 'before'])
  for (const file of [...made, 'data/app.sqlite3', 'data/handcar.lock'])
    assert.equal(statSync(folder.file(file)).uid, owner, file)
})
