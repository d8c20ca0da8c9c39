import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { sql } from '../database/index.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Handcar } from './handcar.ts'
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
  await using handcar = new Handcar(config, { logger, role: 'web' })
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
})
