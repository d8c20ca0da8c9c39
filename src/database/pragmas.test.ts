import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { checkPragmas, type Pragmas } from './pragmas.ts'

const pragma = (database: Awaited<ReturnType<typeof temporaryDatabase>>, name: string) =>
  Object.values(database.get(`pragma ${name}`)!)[0]

test('every connection has handcar`s pragmas', async () => {
  await using database = await temporaryDatabase()
  const expected = {
    journal_mode: 'wal',
    synchronous: 1,
    foreign_keys: 1,
    busy_timeout: 0,
    temp_store: 2,
    mmap_size: 0,
    cache_size: -16_000,
    wal_autocheckpoint: 0,
    trusted_schema: 0,
  }
  const onWriter = await database.write((tx) =>
    Object.keys(expected).map((name) => [name, Object.values(tx.get(`pragma ${name}`)!)[0]]),
  )
  assert.deepEqual(Object.fromEntries(onWriter), expected)
  const { journal_mode: _ofTheFile, ...ofAConnection } = expected
  for (const [name, value] of Object.entries(ofAConnection)) assert.equal(pragma(database, name), value, name)
})

test('pragmas of the user take effect on the writer, on readers and in reader processes', async () => {
  await using database = await temporaryDatabase({ pragmas: { cache_size: -2_000, foreign_keys: 'off' } })
  const ask = 'select cache_size, foreign_keys from pragma_cache_size, pragma_foreign_keys'
  const expected = { cache_size: -2_000, foreign_keys: 0 }
  assert.deepEqual(database.get(ask), expected)
  assert.deepEqual(await database.write((tx) => tx.get(ask)), expected)
  assert.deepEqual(await database.query(ask), [expected])
})

const accepted: Pragmas[] = [
  { page_size: 8_192 },
  { auto_vacuum: 'incremental' },
  { auto_vacuum: 'full' },
  { secure_delete: 'fast' },
  { secure_delete: 'on' },
  { application_id: 4_711, user_version: 3 },
  { mmap_size: 1_048_576 },
  { temp_store: 'FILE' },
  { case_sensitive_like: 'on' },
  { recursive_triggers: 1 },
]
for (const pragmas of accepted) {
  test(`${JSON.stringify(pragmas)} is accepted and read back`, async () => {
    await using database = await temporaryDatabase({ pragmas })
    assert.equal(database.state, 'started')
  })
}

test('a pragma that SQLite does not know is refused with the nearest name', async () => {
  const error = await errorOf(() => temporaryDatabase({ pragmas: { cache_sise: 1 } }))
  assert.equal(error.code, 'HANDCAR_DATABASE_PRAGMA')
  assert.equal(error.fix, 'Did you mean "cache_size"?')
})

test('pragmas that handcar rests on cannot be changed', async () => {
  for (const name of [
    'journal_mode',
    'synchronous',
    'busy_timeout',
    'wal_autocheckpoint',
    'query_only',
    'locking_mode',
  ])
    assert.equal(await codeOf(() => checkPragmas({ [name]: 1 })), 'HANDCAR_DATABASE_PRAGMA', name)
  assert.match((await errorOf(() => checkPragmas({ synchronous: 'full' }))).fix!, /durability/)
})

test('a value that is no word and no number is refused before it reaches SQLite', async () => {
  const wrong = ['', ' ', '1; drop table users', "'a'", '1 2', '1.5', 1.5, null, undefined, {}, []]
  for (const value of wrong) {
    const pragmas = { cache_size: value } as unknown as Pragmas
    assert.equal(await codeOf(() => checkPragmas(pragmas)), 'HANDCAR_DATABASE_PRAGMA', JSON.stringify(value))
  }
})

test('a pragma that did not take its value is said', async () => {
  const error = await errorOf(() => temporaryDatabase({ pragmas: { page_size: 1_000 } }))
  assert.equal(error.code, 'HANDCAR_DATABASE_PRAGMA')
  assert.match(error.message, /page_size: asked for 1000, SQLite answers 4096/)
})
