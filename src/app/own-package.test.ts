import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { moduleOf, siblingOf } from './own-package.ts'

test('our own modules exist', () => {
  for (const name of ['web', 'jobs', 'prepare', 'supervisor'])
    assert.ok(existsSync(siblingOf(`app/${name}-process`)))
})

test('a folder that has handcar installed gets that one, another one gets ours', () => {
  using folder = temporaryFolder()
  const ours = siblingOf('app/web-process')
  assert.equal(moduleOf(folder.path, 'app/web-process'), ours)
  assert.equal(moduleOf(resolve(import.meta.dirname, '../../examples/lorem-news'), 'app/web-process'), ours)
  mkdirSync(folder.file('node_modules/handcar/src/app'), { recursive: true })
  writeFileSync(folder.file('node_modules/handcar/package.json'), '{"name":"handcar"}')
  assert.equal(moduleOf(folder.path, 'app/web-process'), ours)
  const theirs = folder.file('node_modules/handcar/src/app/web-process.ts')
  writeFileSync(theirs, '')
  assert.equal(moduleOf(folder.path, 'app/web-process'), theirs)
})
