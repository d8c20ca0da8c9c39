import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { probeLocking } from './locking-probe.ts'

test('a local disk excludes writers and shares commits; nothing is left of the probe', async () => {
  using folder = temporaryFolder()
  assert.deepEqual(await probeLocking(folder.path), {
    journalMode: 'wal',
    excludesWriters: true,
    sharesCommits: true,
    isOneDevice: true,
  })
  assert.deepEqual(readdirSync(folder.path), [])
})

test('several probes at once do not disturb one another', async () => {
  using folder = temporaryFolder()
  const reports = await Promise.all([1, 2, 3].map(() => probeLocking(folder.path)))
  assert.ok(reports.every(({ excludesWriters, sharesCommits }) => excludesWriters && sharesCommits))
})

test('a folder that does not exist is said', async () => {
  using folder = temporaryFolder()
  assert.equal(await codeOf(() => probeLocking(folder.file('none'))), 'ENOENT')
})
