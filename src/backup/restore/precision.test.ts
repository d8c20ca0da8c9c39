import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentToName } from './precision.ts'

test('where the times of files are cut to seconds, what was sent in the second of a moment is left out', () => {
  const named = (line: '0.3' | '0.5', type: 'folder' | 's3' | 'sftp') =>
    [10_000, 10_001, 10_999].map((at) => momentToName(at, line, type))
  const exact = [10_000, 10_001, 10_999]
  const cut = [9_999, 9_999, 9_999]
  assert.deepEqual([named('0.3', 'folder'), named('0.3', 's3'), named('0.3', 'sftp')], [exact, cut, cut])
  assert.deepEqual([named('0.5', 'folder'), named('0.5', 's3'), named('0.5', 'sftp')], [exact, exact, cut])
})
