import assert from 'node:assert/strict'
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { prepareLocation, warnAboutLocation } from './location.ts'

test('the folder is made, and the path is absolute and without symbolic links', () => {
  using folder = temporaryFolder()
  const { path } = prepareLocation(folder.file('a/b/app.sqlite3'))
  assert.equal(path, folder.file('a/b/app.sqlite3'))
  assert.ok(statSync(dirname(path)).isDirectory())
  symlinkSync(folder.file('a'), folder.file('link'))
  assert.equal(prepareLocation(folder.file('link/b/app.sqlite3')).path, path)
})

test('a folder is no database', async () => {
  using folder = temporaryFolder()
  const error = await errorOf(() => prepareLocation(folder.path))
  assert.equal(error.code, 'HANDCAR_DATABASE_PATH')
  assert.match(error.message, /got a folder/)
})

test('a folder that cannot be made is said', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('file'), '')
  const error = await errorOf(() => prepareLocation(folder.file('file/app.sqlite3')))
  assert.equal(error.code, 'HANDCAR_DATABASE_PATH')
  assert.match(error.message, /cannot be made/)
  assert.equal(await codeOf(() => prepareLocation('/proc/handcar/app.sqlite3')), 'HANDCAR_DATABASE_PATH')
})

test('a path longer than SQLite can open is refused as a path', async () => {
  using folder = temporaryFolder()
  const deep = folder.file(`${'x'.repeat(200)}/${'y'.repeat(200)}/${'z'.repeat(200)}`)
  assert.equal(await codeOf(() => prepareLocation(`${deep}/app.sqlite3`)), 'HANDCAR_DATABASE_PATH')
})

test('a database in memory has a folder of its own until it is discarded', () => {
  const [one, other] = [prepareLocation(':memory:'), prepareLocation(':memory:')]
  assert.notEqual(dirname(one.path), dirname(other.path))
  for (const location of [one, other]) {
    assert.ok(existsSync(dirname(location.path)))
    location.discard()
    assert.ok(!existsSync(dirname(location.path)))
  }
})

test(
  'in production a file system that a restart loses is warned about',
  { skip: !existsSync('/dev/shm') },
  () => {
    const location = prepareLocation(':memory:')
    const logger = recordingLogger()
    warnAboutLocation(location.path, false, logger)
    assert.deepEqual(
      logger.lines.filter(({ message }) => /restart/.test(message)),
      [],
    )
    warnAboutLocation(location.path, true, logger)
    location.discard()
    assert.ok(
      logger.lines.some(({ message, fields }) => /restart/.test(message) && fields.fileSystem === 'tmpfs'),
    )
  },
)
