import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { sql } from '../database/index.ts'
import { defineJob } from '../jobs/index.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { FakeClock } from '../testing/index.ts'
import { Handcar, type Role } from './handcar.ts'
import { resolveConfig } from './resolve-config.ts'

const logger = recordingLogger()

function withMigration(folder: TemporaryFolder): void {
  mkdirSync(folder.file('migrations'))
  writeFileSync(
    folder.file('migrations/20260101000000_create_posts.sql'),
    'create table posts (id integer) strict',
  )
}

test('it opens nothing before it is started, and closes what it opened', async () => {
  using folder = temporaryFolder()
  const handcar = new Handcar({ data: folder.file('data') }, { logger })
  assert.equal(handcar.role, 'script')
  assert.equal(handcar.config.data, folder.file('data'))
  assert.ok(!existsSync(folder.file('data')))
  await handcar.start()
  assert.deepEqual(handcar.database.get('select 1 as one'), { one: 1 })
  await handcar.stop()
  assert.equal(handcar.database.state, 'stopped')
})

test('it takes a configuration that is resolved already', async () => {
  using folder = temporaryFolder()
  const config = resolveConfig({ database: { durability: 'os' } }, { folder: folder.path, environment: {} })
  await using handcar = new Handcar(config, { logger, role: 'web', migrate: true })
  await handcar.start()
  assert.equal(handcar.config, config)
  assert.equal(handcar.database.path, folder.file('data/app.sqlite3'))
})

test('migrations run only when they are asked for', async () => {
  using folder = temporaryFolder()
  withMigration(folder)
  const config = { data: folder.path, database: { migrations: folder.file('migrations') } }
  const tables = sql`select name from sqlite_schema where name = 'posts'`
  await using without = new Handcar(config, { logger })
  await without.start()
  assert.equal(without.database.get(tables), undefined)
  await using migrated = new Handcar(config, { logger, migrate: true })
  await migrated.start()
  assert.deepEqual(without.database.get(tables), { name: 'posts' })
})

const noted: number[] = []
const note = defineJob({ name: 'note', perform: (value: number) => void noted.push(value) })

test('jobs are enqueued in every role, and performed where the configuration says, once the app is ready', async () => {
  const roles: [Role, number, boolean][] = [
    ['web', 0, true],
    ['web', 1, false],
    ['jobs', 1, true],
    ['script', 0, false],
  ]
  for (const [role, processes, performs] of roles) {
    using folder = temporaryFolder()
    const config = { data: folder.path, processes: { jobs: processes }, jobs: { work: { slots: 3 } } }
    await using handcar = new Handcar(config, { logger, role, migrate: true })
    await handcar.start()
    handcar.jobs.define(note)
    const handle = await handcar.jobs.enqueue(note, processes)
    assert.equal(handle.state(), 'available')
    await handcar.work()
    if (performs) await handle.result()
    const { here } = await handcar.jobs.stats()
    assert.deepEqual(
      [role, processes, handle.state(), here?.slots],
      [role, processes, performs ? 'completed' : 'available', performs ? 3 : undefined],
    )
  }
})

test('a script starts before the migrations have run, without jobs and cache; a process of the app does not', async () => {
  using folder = temporaryFolder()
  await using script = new Handcar({ data: folder.path }, { logger })
  await script.start()
  assert.equal(await codeOf(() => script.jobs.stats()), 'HANDCAR_NOT_STARTED')
  assert.equal(await codeOf(() => script.cache.get('key')), 'HANDCAR_NOT_STARTED')
  const web = new Handcar({ data: folder.path }, { logger, role: 'web' })
  assert.equal(await codeOf(() => web.start()), 'HANDCAR_CACHE_TABLES')
  assert.equal(web.database.state, 'stopped')
})

test('the cache is shared by processes, works in every role, and is told by the transactions of the app', async () => {
  using folder = temporaryFolder()
  const clock = new FakeClock()
  const options = { logger, clock, migrate: true }
  const config = { data: folder.path, cache: { file: 'kept.sqlite3', maxBytes: '1mb', ttl: '1m' } } as const
  await using web = new Handcar(config, { ...options, role: 'web' })
  await using script = new Handcar(config, options)
  await web.start()
  await script.start()
  assert.ok(existsSync(folder.file('kept.sqlite3')))
  assert.equal(web.cache.stats().maxBytes, 1_024 ** 2)
  await web.cache.set('page', 'old', { tags: ['posts'] })
  assert.equal(await script.cache.get('page'), 'old')
  await script.database.write(() => void script.cache.invalidate('posts'))
  assert.equal(await web.cache.get('page'), undefined)
  await script.cache.set('page', 'new')
  clock.advance(60_000)
  assert.equal(await web.cache.get('page'), undefined)
  assert.deepEqual(web.cache.here, { hits: 0, misses: 2, ratio: 0, errors: 0, isOn: true })
})

test('what was kept beside another database than the present one is not served', async () => {
  using folder = temporaryFolder()
  const config = { data: folder.path }
  const keep = async () => {
    await using handcar = new Handcar(config, { logger, migrate: true })
    await handcar.start()
    return handcar.cache.getOrSet('page', { tags: ['posts'] }, () => 'made')
  }
  await keep()
  for (const ending of ['', '-wal', '-shm']) rmSync(folder.file(`app.sqlite3${ending}`), { force: true })
  await using handcar = new Handcar(config, { logger, migrate: true })
  await handcar.start()
  assert.equal(await handcar.cache.getOrSet('page', { tags: ['posts'] }, () => 'made anew'), 'made anew')
})

test('an app starts and works whatever is wrong with the file of its cache, and uses it as soon as that is right', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('cache.sqlite3'))
  await using handcar = new Handcar({ data: folder.path }, { logger, role: 'web', migrate: true })
  await handcar.start()
  await handcar.cache.set('page', 'kept')
  assert.equal(await handcar.cache.get('page'), undefined)
  assert.equal(await handcar.cache.getOrSet('page', () => 'made'), 'made')
  assert.equal(await handcar.cache.increment('visits'), 1)
  await handcar.cache.invalidate('posts')
  await handcar.cache.clear()
  assert.equal(handcar.cache.here?.isOn, false)
  assert.equal(handcar.cache.stats().entries, 0)
  rmdirSync(folder.file('cache.sqlite3'))
  await waitUntil('the cache is on', () => handcar.cache.here?.isOn === true)
  await handcar.cache.set('page', 'kept')
  assert.equal(await handcar.cache.get('page'), 'kept')
})

test('an app stops while its cache still tries to open its file', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('cache.sqlite3'))
  const handcar = new Handcar({ data: folder.path }, { logger, role: 'web', migrate: true })
  await handcar.start()
  await handcar.stop()
  assert.equal(handcar.cache.here, undefined)
})

test('a damaged file of the cache is set aside at the start', async () => {
  using folder = temporaryFolder()
  writeFileSync(
    folder.file('cache.sqlite3'),
    'no database at all, and long enough to be looked at'.repeat(100),
  )
  await using handcar = new Handcar({ data: folder.path }, { logger, migrate: true })
  await handcar.start()
  await handcar.cache.set('page', 'kept')
  assert.equal(await handcar.cache.get('page'), 'kept')
})

test('a start that fails says why and leaves nothing open', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('app.sqlite3'))
  const handcar = new Handcar({ data: folder.path }, { logger })
  const error = await errorOf(() => handcar.start())
  assert.equal(error.code, 'HANDCAR_DATABASE_PATH')
  assert.equal(handcar.state, 'stopped')
})

test('unknown and wrong options are refused', async () => {
  const make = (config: object, options?: object) => codeOf(() => new Handcar(config, options))
  assert.equal(await make({ dta: 'x' }), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await make({}, { rol: 'web' }), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await make({}, { role: 'king' }), 'HANDCAR_OPTION_INVALID')
  assert.equal(await make({}, { logger: {} }), 'HANDCAR_OPTION_INVALID')
  assert.equal(await make({ database: { writeTimeout: 'soon' } }), 'HANDCAR_OPTION_INVALID')
  assert.equal(await make({ jobs: { slots: 1 } }), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await make({ jobs: { work: { slots: 0 } } }), 'HANDCAR_OPTION_INVALID')
  assert.equal(await make({ cache: { maxByte: '1mb' } }), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await make({ cache: { maxBytes: 5 } }), 'HANDCAR_OPTION_INVALID')
  assert.equal(await make({ cache: { encryption: { keys: ['short'] } } }), 'HANDCAR_OPTION_INVALID')
  assert.equal(await make({ jobs: { maxPayload: 'much' } }), 'HANDCAR_OPTION_INVALID')
})
