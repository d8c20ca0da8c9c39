import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { temporaryDatabase } from '../testing/index.ts'

const source = `
  #include "sqlite3ext.h"
  SQLITE_EXTENSION_INIT1
  static void answer(sqlite3_context *context, int count, sqlite3_value **values) { sqlite3_result_int(context, 42); }
  int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *routines) {
    SQLITE_EXTENSION_INIT2(routines);
    return sqlite3_create_function(db, "answer", 0, SQLITE_UTF8, 0, answer, 0, 0);
  }`
/** SQLite's headers come with the driver. */
const headers = join(
  dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json')),
  'deps/sqlite3',
)
const withCompiler = { skip: spawnSync('cc', ['--version']).status === 0 ? false : 'needs a C compiler' }

function compile(folder: TemporaryFolder): string {
  writeFileSync(folder.file('answer.c'), source)
  execFileSync('cc', [
    '-shared',
    '-fPIC',
    `-I${headers}`,
    '-o',
    folder.file('answer.so'),
    folder.file('answer.c'),
  ])
  return folder.file('answer.so')
}

test('an extension works on every connection: writer, reader, reader process', withCompiler, async () => {
  using folder = temporaryFolder()
  await using database = await temporaryDatabase({ extensions: [compile(folder)] })
  const expected = { a: 42 }
  assert.deepEqual(database.get('select answer() as a'), expected)
  assert.deepEqual(await database.write((tx) => tx.get('select answer() as a')), expected)
  assert.deepEqual(
    database.read((tx) => tx.get('select answer() as a')),
    expected,
  )
  assert.deepEqual(await database.query('select answer() as a'), [expected])
})

test('migrations may use it', withCompiler, async () => {
  using folder = temporaryFolder()
  const migrations = [{ name: '1', sql: 'create table t as select answer() as a' }]
  await using database = await temporaryDatabase({
    extensions: [{ path: compile(folder) }],
    partMigrations: { app: migrations },
  })
  assert.deepEqual(database.get('select a from t'), { a: 42 })
})

test('a package is found from the working directory by its getLoadablePath()', withCompiler, async () => {
  using folder = temporaryFolder()
  const path = compile(folder)
  const packageFile = folder.file('node_modules/sqlite-answer/index.mjs')
  mkdirSync(dirname(packageFile), { recursive: true })
  writeFileSync(
    folder.file('node_modules/sqlite-answer/package.json'),
    '{"name":"sqlite-answer","main":"index.mjs"}',
  )
  writeFileSync(packageFile, `export const getLoadablePath = () => ${JSON.stringify(path)}`)
  const before = process.cwd()
  process.chdir(folder.path)
  try {
    for (const extension of ['sqlite-answer', { package: 'sqlite-answer' }]) {
      await using database = await temporaryDatabase({ extensions: [extension] })
      assert.deepEqual(database.get('select answer() as a'), { a: 42 })
    }
  } finally {
    process.chdir(before)
  }
})

const missing = [
  './nowhere.so',
  '/nowhere/nothing.so',
  { path: 'nowhere.so' },
  'sqlite-nothing',
  { package: 'typescript' },
]
for (const extension of missing) {
  test(`an extension that is missing stops the start, unless it is optional: ${JSON.stringify(extension)}`, async () => {
    const error = await errorOf(() => temporaryDatabase({ extensions: [extension] }))
    assert.deepEqual([error.name, error.code], ['MissingToolError', 'HANDCAR_EXTENSION_MISSING'])
    if (typeof extension === 'string') return
    const logger = recordingLogger()
    await using database = await temporaryDatabase({ extensions: [{ ...extension, optional: true }], logger })
    assert.deepEqual(database.get('select 1 as a'), { a: 1 })
    assert.match(logger.lines[0]!.message, /optional extension is missing/)
  })
}

test('extensions of the wrong kind are refused', async () => {
  for (const extensions of [
    'sqlite-vec',
    [''],
    [null],
    [0],
    [{}],
    [{ path: '' }],
    [{ paht: 'a' }],
    [{ path: 'a', optional: 1 }],
    null,
  ])
    assert.match(
      (await codeOf(() => temporaryDatabase({ extensions: extensions as never })))!,
      /^HANDCAR_OPTION/,
    )
})
