import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleave, median, round, spread } from './statistics.ts'

test('the median is the middle, not the mean', () => {
  assert.equal(median([100, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.ok(Number.isNaN(median([])))
})

test('the spread is the lowest and the highest', () => {
  assert.equal(spread([2.71, 1234.5, 10]), '2.71–1235')
  assert.equal(spread([]), '–')
})

test('rounding keeps three digits and every whole one', () => {
  assert.equal(round(123_456.7), 123_457)
  assert.equal(round(0.012345), 0.0123)
  assert.equal(round(0), 0)
})

test('variants take turns, so that noise falls on all of them', async () => {
  const order: string[] = []
  const measured = await interleave(2, ['a', 'b'], async (variant, round) => {
    order.push(`${variant}${round}`)
    return round
  })
  assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2'])
  assert.deepEqual(measured.get('b'), [1, 2])
})
