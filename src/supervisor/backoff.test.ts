import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from './backoff.ts'

test('after a long life it starts again at once', () => {
  const backoff = new Backoff(30_000)
  assert.deepEqual(
    [60_000, 10_000, 3_600_000].map((lifetime) => backoff.ended(lifetime)),
    [0, 0, 0],
  )
  assert.equal(backoff.isCrashLoop, false)
})

test('after short lives the pauses double up to the longest', () => {
  const backoff = new Backoff(1_000)
  const pauses = Array.from({ length: 8 }, () => backoff.ended(50))
  assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1_000, 1_000, 1_000])
})

test('the third short life in a row makes a crash loop, said once; a long life ends it', () => {
  const backoff = new Backoff(1_000)
  const told = Array.from({ length: 5 }, () => {
    backoff.ended(50)
    return [backoff.isCrashLoop, backoff.hasJustBecomeCrashLoop]
  })
  assert.deepEqual(told, [
    [false, false],
    [false, false],
    [true, true],
    [true, false],
    [true, false],
  ])
  backoff.ended(20_000)
  assert.equal(backoff.isCrashLoop, false)
})
