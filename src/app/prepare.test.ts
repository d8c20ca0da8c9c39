import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Database } from '../database/index.ts'
import { appFolder } from '../../test/helpers/app-folder.ts'
import { errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import type { Config } from './config.ts'
import { prepareRelease } from './prepare.ts'
import { resolveConfig } from './resolve-config.ts'

const migration = 'create table posts (title text) strict;'

function prepare(folder: TemporaryFolder, config: Config = {}) {
  const progress: string[] = []
  const resolved = resolveConfig(
    { environment: 'test', processes: { web: 2 }, ...config },
    { folder: folder.path, environment: {} },
  )
  return prepareRelease(resolved, {
    logger: recordingLogger(),
    progress: (message) => progress.push(message),
  })
}

function makeApp(folder: TemporaryFolder, files: Record<string, string> = {}): void {
  mkdirSync(folder.file('db/migrations'), { recursive: true })
  const all = { 'app.mjs': '', 'db/migrations/20260101000000_posts.sql': migration, ...files }
  for (const [name, content] of Object.entries(all)) writeFileSync(folder.file(name), content)
}

test('it makes the data folder, migrates, runs the hook, and says what to run', async () => {
  using folder = temporaryFolder()
  makeApp(folder, {
    'package.json': '{"version":"1.2.3"}',
    'seeds.mjs': `export default (handcar) => handcar.database.run("insert into posts values ('seeded')")`,
  })
  const manifest = await prepare(folder, {
    app: 'app.mjs',
    prepare: 'seeds.mjs',
    processes: { web: 2, maxRss: '1gb' },
  })
  assert.equal(manifest.version, '1.2.3')
  assert.equal(manifest.data, folder.file('data'))
  assert.equal(manifest.web.count, 2)
  assert.equal(manifest.jobs.count, 0)
  assert.match(manifest.web.file, /app\/web-process\.ts$/)
  assert.equal(manifest.maxRss, 1_024 ** 3)
  assert.deepEqual(JSON.parse(JSON.stringify(manifest)).data, manifest.data)
  await using database = new Database({ path: folder.file('data/app.sqlite3') })
  await database.start()
  assert.deepEqual(database.all('select title from posts'), [{ title: 'seeded' }])
})

test('a migration that fails, or a hook, ends it', async () => {
  using folder = temporaryFolder()
  makeApp(folder, { 'bad.mjs': 'export default () => { throw new Error("no seeds") }', 'empty.mjs': '' })
  const hook = await errorOf(() => prepare(folder, { app: 'app.mjs', prepare: 'bad.mjs' }))
  assert.equal(hook.code, 'HANDCAR_PREPARE_FAILED')
  assert.match(hook.message, /bad\.mjs failed: Error: no seeds/)
  const empty = await errorOf(() => prepare(folder, { app: 'app.mjs', prepare: 'empty.mjs' }))
  assert.match(empty.message, /no default export/)
  const missing = await errorOf(() => prepare(folder, { app: 'app.mjs', prepare: 'nowhere.mjs' }))
  assert.match(missing.message, /nowhere\.mjs failed/)
  writeFileSync(folder.file('db/migrations/20260102000000_bad.sql'), 'create nonsense')
  assert.equal((await errorOf(() => prepare(folder, { app: 'app.mjs' }))).code, 'HANDCAR_MIGRATION_FAILED')
})

test('a hook can enqueue jobs; without a hook the module of the jobs is not imported', async () => {
  using folder = appFolder({
    'src/jobs.js': `
      import { defineJob } from 'handcar/jobs'
      globalThis.importedJobs = (globalThis.importedJobs ?? 0) + 1
      export const job = defineJob({ name: 'job', perform() {} })`,
    'hook.js': `
      import { job } from './src/jobs.js'
      export default async ({ jobs }) => void (await jobs.enqueue(job))`,
  })
  const imported = (): unknown => Reflect.get(globalThis, 'importedJobs')
  await prepare(folder)
  assert.equal(imported(), undefined)
  await prepare(folder, { prepare: 'hook.js' })
  assert.equal(imported(), 1)
  await using database = new Database({ path: folder.file('data/app.sqlite3') })
  await database.start()
  assert.deepEqual(database.all('select name, state from handcar_jobs'), [
    { name: 'job', state: 'available' },
  ])
})

test('without an app nothing is begun', async () => {
  using folder = temporaryFolder()
  assert.equal((await errorOf(() => prepare(folder))).code, 'HANDCAR_APP_INVALID')
})
