import assert from 'node:assert/strict'
import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { makeFolder } from './make-folder.ts'

test('what is missing is made, and named', () => {
  using folder = temporaryFolder()
  const [outer, inner] = [folder.file('a'), join(folder.file('a'), 'b')]
  assert.deepEqual(makeFolder(inner, 0o700), [outer, inner])
  assert.equal(statSync(inner).mode & 0o777, 0o700)
  assert.deepEqual(makeFolder(inner), [])
})

test('what cannot be made fails at once', () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('file'), '')
  symlinkSync(folder.file('nowhere'), folder.file('link'))
  for (const name of ['file', 'link']) {
    assert.throws(() => makeFolder(folder.file(name)), { code: 'EEXIST' })
    assert.throws(() => makeFolder(join(folder.file(name), 'below')), { code: 'EEXIST' })
  }
  assert.throws(() => makeFolder('/proc/handcar/below'))
})
