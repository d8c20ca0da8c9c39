import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure, originOf, restoreFailure } from './failure.ts'

test('an error that goes through several processes tells where it was thrown first', () => {
  const thrown = new TypeError('boom')
  const there = restoreFailure(describeFailure(thrown), 'HANDCAR_BOOT_FAILED')
  const farther = restoreFailure(describeFailure(there), 'HANDCAR_CONTROL_FAILED')
  assert.equal(farther.code, 'HANDCAR_BOOT_FAILED')
  assert.equal(farther.message, 'TypeError: boom')
  assert.equal(originOf(farther), thrown.stack)
  assert.equal(originOf(thrown), undefined)
})
