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

test('while the backup is known to be broken the last snapshot from before that stays', async () => {
  using folder = appFolder({ [migration(1)]: 'create table posts (title text)' })
  const config = configOf(folder, { backup: { snapshots: { keep: { count: 1 } } } })
  const snapshots = snapshotsOf(config, recordingLogger())
  const names = async (): Promise<string[]> => (await snapshots.list()).map(({ name }) => name)
  const found = async (verdict: string): Promise<void> => {
    await using database = new Database({ path: config.database.path, readers: false })
    await database.start()
    await database.run(
      `insert into handcar_backup_checks (database, replica, address, verdict, began_at, duration)
       values ('app', 's3', 's3://b', ?, ?, 1)`,
      [verdict, Date.now()],
    )
  }
  const make = async (name: string): Promise<void> =>
    void (await snapshots.create({ name, reason: 'migration', note: 'the same' }))
  await prepare(folder)
  await make('a')
  await make('b')
  assert.deepEqual(await names(), ['b'])
  await found('verified')
  await make('c')
  await found('failed')
  await found('inconclusive')
  await make('d')
  assert.deepEqual(await names(), ['d', 'c'], 'nothing was known to be right before')
  await make('e')
  assert.deepEqual(await names(), ['e', 'c'])
  assert.deepEqual(await snapshots.prune({ count: 1, all: true }), [])
  await found('verified')
  await make('f')
  assert.deepEqual(await names(), ['f'])
})
