import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { findFolder } from './folder.ts'

test('a named folder stays as it was named, with its links', () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('releases/7'), { recursive: true })
  symlinkSync('releases/7', folder.file('current'))
  assert.equal(findFolder(folder.file('current'), {}), folder.file('current'))
  assert.equal(findFolder(`${folder.path}/releases/../current`, {}), folder.file('current'))
})

test('a folder that was not named stays as the shell reached it', () => {
  using folder = temporaryFolder()
  const link = folder.file('link')
  symlinkSync(process.cwd(), link)
  assert.equal(findFolder(undefined, { PWD: link }), link)
  assert.equal(findFolder('src', { PWD: link }), `${link}/src`)
  assert.equal(findFolder('src', { PWD: folder.path }), `${process.cwd()}/src`, 'a PWD of another folder')
  assert.equal(findFolder('src', { PWD: folder.file('gone') }), `${process.cwd()}/src`, 'a PWD that is gone')
})

test('a file and nothing at all are refused', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('file'), '')
  for (const name of ['file', 'nothing']) {
    assert.equal(await codeOf(() => findFolder(folder.file(name), {})), 'HANDCAR_USAGE')
  }
})
