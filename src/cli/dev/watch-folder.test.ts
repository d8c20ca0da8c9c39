import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FolderWatch } from './watch-folder.ts'

/** A folder that is watched, and the paths that were reported. */
async function watched() {
  const folder = temporaryFolder()
  const write = (name: string): void => {
    mkdirSync(dirname(folder.file(name)), { recursive: true })
    writeFileSync(folder.file(name), String(performance.now()))
  }
  for (const name of ['app.js', 'src/deep/page.js', 'node_modules/a/index.js', '.git/index', 'data/a.txt']) {
    write(name)
  }
  const changes = new Set<string>()
  const watch = await FolderWatch.open({
    folder: folder.path,
    ignored: [folder.file('data')],
    onChange: (path) => changes.add(path),
  })
  const reports = async (name: string): Promise<void> => {
    await waitUntil(`a report of ${name}`, () => changes.has(name))
    changes.clear()
  }
  const dispose = (): void => {
    watch[Symbol.dispose]()
    folder[Symbol.dispose]()
  }
  return { folder, write, changes, reports, [Symbol.dispose]: dispose }
}

test('reports files that are written, come, go and move, at any depth', async () => {
  using place = await watched()
  const { folder, write, reports } = place
  write('app.js')
  await reports('app.js')
  write('src/deep/page.js')
  await reports('src/deep/page.js')
  write('src/new.js')
  await reports('src/new.js')
  rmSync(folder.file('src/new.js'))
  await reports('src/new.js')
  renameSync(folder.file('app.js'), folder.file('other.js'))
  await reports('other.js')
  write('.env')
  await reports('.env')
  write('.env.local')
  await reports('.env.local')
})

test('reports files in folders that came later, also again after they went', async () => {
  using place = await watched()
  const { folder, write, reports } = place
  for (let round = 0; round < 3; round++) {
    mkdirSync(folder.file('src/more/deeper'), { recursive: true })
    await reports('src/more')
    // The folder is watched soon after it was reported.
    await waitUntil('a report from inside', () => {
      write('src/more/deeper/page.js')
      return place.changes.has('src/more/deeper/page.js')
    })
    rmSync(folder.file('src/more'), { recursive: true })
    await reports('src/more')
  }
})

test('leaves alone what is no source: packages, hidden files, data, databases, logs, temporary files', async () => {
  using place = await watched()
  const { write, changes, reports } = place
  for (const name of [
    'node_modules/a/index.js',
    'node_modules/new.js',
    '.git/index',
    '.hidden',
    'data/a.txt',
    'src/test.sqlite3',
    'src/test.sqlite3-wal',
    'src/deep/.page.js.swp',
    'src/deep/page.js~',
    'src/deep/4913',
    'dev.log',
  ]) {
    write(name)
  }
  write('app.js')
  await waitUntil('a report of app.js', () => changes.has('app.js'))
  assert.deepEqual([...changes], ['app.js'])
  changes.clear()
  write('app.js')
  await reports('app.js')
})

test('reports nothing after it was closed', async () => {
  using place = await watched()
  const changes: string[] = []
  const second = await FolderWatch.open({
    folder: place.folder.path,
    ignored: [],
    onChange: (path) => changes.push(path),
  })
  second[Symbol.dispose]()
  place.write('app.js')
  await place.reports('app.js')
  assert.deepEqual(changes, [])
})
