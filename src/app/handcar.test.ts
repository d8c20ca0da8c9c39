import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { sql } from '../database/index.ts'
import { defineJob } from '../jobs/index.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
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

test('a script starts before the migrations have run, without jobs; a process of the app does not', async () => {
  using folder = temporaryFolder()
  await using script = new Handcar({ data: folder.path }, { logger })
  await script.start()
  assert.equal(await codeOf(() => script.jobs.stats()), 'HANDCAR_NOT_STARTED')
  const web = new Handcar({ data: folder.path }, { logger, role: 'web' })
  assert.equal(await codeOf(() => web.start()), 'HANDCAR_JOBS_TABLES')
  assert.equal(web.database.state, 'stopped')
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
  assert.equal(await make({ jobs: { maxPayload: 'much' } }), 'HANDCAR_OPTION_INVALID')
})
