import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, formatNumber } from './format.ts'

test('durations for people', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [350.4, '350 ms'],
    [1_000, '1 s'],
    [4_240, '4.2 s'],
    [60_000, '1 m'],
    [200_000, '3 m 20 s'],
    [3_600_000 * 5 + 60_000, '5 h 1 m'],
    [86_400_000 * 5, '5 d'],
    [86_400_000 * 5 + 3_600_000 * 3 + 60_000, '5 d 3 h'],
  ]
  for (const [milliseconds, expected] of cases) assert.equal(formatDuration(milliseconds), expected)
})

test('numbers for people', () => {
  assert.equal(formatNumber(1204.56, 1), '1,204.6')
  assert.equal(formatNumber(7), '7')
  assert.equal(formatNumber(undefined), '–')
})
