import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../test/helpers/app-folder.ts'
import { codeOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { Database } from '../database/index.ts'
import type { Config } from './config.ts'
import { prepareRelease } from './prepare.ts'
import { resolveConfig, type ResolvedConfig } from './resolve-config.ts'
import { snapshotsOf } from './snapshots.ts'

const migration = (day: number): string =>
  `db/migrations/202601${String(day).padStart(2, '0')}000000_step.sql`

function configOf(folder: AppFolder, config: Config = {}): ResolvedConfig {
  return resolveConfig({ environment: 'test', ...config }, { folder: folder.path, environment: {} })
}

async function prepare(folder: AppFolder, config: Config = {}): Promise<string[]> {
  const progress: string[] = []
  await prepareRelease(configOf(folder, config), {
    logger: recordingLogger(),
    progress: (message) => progress.push(message),
  })
  return progress
}

test('a used database gets a snapshot before it is migrated, and only then', async () => {
  using folder = appFolder({ [migration(1)]: 'create table posts (title text)' })
  const snapshots = snapshotsOf(configOf(folder), recordingLogger())
  await prepare(folder)
  assert.deepEqual(await snapshots.list(), [], 'a new database needs none')
  await prepare(folder)
  assert.ok(!existsSync(folder.file('data/snapshots')), 'nothing was pending')

  folder.write(migration(2), 'create table tags (name text)')
  assert.ok((await prepare(folder)).includes('making a snapshot before 1 migration'))
  const [made, ...others] = await snapshots.list()
  assert.equal(others.length, 0)
  assert.deepEqual([made?.reason, made?.note], ['migration', 'before 20260102000000_step'])
  assert.equal(made?.migrations['app'], '20260101000000_step')
  assert.ok('jobs' in made.migrations)
  await using copy = new Database({ path: made.path, readOnly: true, readers: false })
  await copy.start()
  assert.equal(copy.get("select 1 from sqlite_schema where name = 'tags'"), undefined)
})

test('a deployment that fails again and again leaves one snapshot', async () => {
  using folder = appFolder({ [migration(1)]: 'create table posts (title text)' })
  await prepare(folder)
  folder.write(migration(2), 'create nonsense')
  for (let count = 0; count < 3; count++)
    assert.equal(await codeOf(() => prepare(folder)), 'HANDCAR_MIGRATION_FAILED')
  assert.equal((await snapshotsOf(configOf(folder), recordingLogger()).list()).length, 1)
})

test('what will be refused, or is switched off, makes none', async () => {
  using folder = appFolder({ [migration(1)]: 'create table posts (title text)' })
  await prepare(folder)
  folder.write(migration(2), 'create table tags (name text)')
  folder.write(migration(1), 'create table other (title text)')
  assert.equal(await codeOf(() => prepare(folder)), 'HANDCAR_MIGRATION_CHANGED')
  folder.write(migration(1), 'create table posts (title text)')
  await prepare(folder, { backup: { snapshots: { beforeMigrations: false } } })
  assert.ok(!existsSync(folder.file('data/snapshots')))
})

test('settings that are wrong are refused by name', async () => {
  using folder = appFolder()
  for (const snapshots of [
    { keep: { count: 0 } },
    { keep: { age: 'soon' } },
    { keep: 5 },
    { beforeMigrations: 1 },
  ]) {
    const code = await codeOf(() => configOf(folder, { backup: { snapshots } } as unknown as Config))
    assert.equal(code, 'HANDCAR_OPTION_INVALID')
  }
  const unknown = { backup: { snapshots: { keep: { cuont: 1 } } } } as Config
  assert.equal(await codeOf(() => configOf(folder, unknown)), 'HANDCAR_OPTION_UNKNOWN')
})
