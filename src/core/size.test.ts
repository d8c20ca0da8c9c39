import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSize, parseSize } from './size.ts'

test('sizes are numbers of bytes or texts with a unit', () => {
  const sizes = [0, 17, '1b', '64kb', '1.5mb', '2GB']
  assert.deepEqual(sizes.map(parseSize), [0, 17, 1, 65_536, 1_572_864, 2_147_483_648])
})

test('anything else is no size', () => {
  for (const value of [undefined, null, '', '5', '5 mb', 'mb', '-1kb', -1, 1.5, NaN, Infinity, {}, []]) {
    assert.equal(parseSize(value), undefined)
  }
})

test('sizes are written for people', () => {
  assert.deepEqual([0, 1, 1_023, 1_024, 14_889_779, 2 ** 31].map(formatSize), [
    '0 B',
    '1 B',
    '1023 B',
    '1 KB',
    '14.2 MB',
    '2 GB',
  ])
})
