import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'
import { describe } from './options.ts'

test('a duration is a number of milliseconds or a text with a unit', () => {
  const expected = {
    '250ms': 250,
    '5s': 5_000,
    '1.5s': 1_500,
    '10m': 600_000,
    '2h': 7_200_000,
    '7d': 604_800_000,
  }
  for (const [text, milliseconds] of Object.entries(expected)) assert.equal(parseDuration(text), milliseconds)
  for (const number of [0, 1, 2.5]) assert.equal(parseDuration(number), number)
})

test('anything else is not a duration', () => {
  const wrong = [
    undefined,
    null,
    '',
    ' 5s',
    '5s ',
    '5 s',
    '5',
    '-5s',
    '5S',
    '5sec',
    '1e3s',
    '.5s',
    NaN,
    Infinity,
    -1,
    5n,
    {},
    ['5s'],
    true,
  ]
  for (const value of wrong) assert.equal(parseDuration(value), undefined, describe(value))
})
