import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { assertVersion, isSafeVersion, sqliteLibrary } from './compile-options.ts'

test('an SQLite with the bug of the WAL reset is refused', async () => {
  for (const version of ['3.51.2', '3.51.0', '3.50.9', '3.9.0', '2.99.99'])
    assert.equal(await codeOf(() => assertVersion(version)), 'HANDCAR_SQLITE_VERSION', version)
})

test('a newer one is not', () => {
  for (const version of ['3.51.3', '3.51.10', '3.52.0', '3.100.1', '4.0.0', '4.0']) assertVersion(version)
})

test('the report names the version and the compile options in use', async () => {
  await using database = await temporaryDatabase()
  const { version, compileOptions } = database.sqlite()
  assert.match(version, /^3\.\d+\.\d+$/)
  assert.ok(compileOptions.some((option) => option.startsWith('THREADSAFE')))
})

test('the library can be asked without a database', async () => {
  await using database = await temporaryDatabase()
  assert.deepEqual(sqliteLibrary(), database.sqlite())
  assert.deepEqual(
    ['3.40.1', '3.51.3'].map((version) => isSafeVersion(version)),
    [false, true],
  )
})
