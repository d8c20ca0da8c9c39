import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from './histogram.ts'

test('an empty histogram is all zeros, and plain JSON', () => {
  const summary = new Histogram().summary()
  assert.deepEqual(summary, { count: 0, mean: 0, p50: 0, p99: 0, p999: 0, max: 0 })
})

test('values come back in the unit in which they were recorded, with three significant digits', () => {
  const histogram = new Histogram()
  for (let value = 1; value <= 1_000; value++) histogram.record(value)
  const { count, mean, p50, p99, p999, max } = histogram.summary()
  const isNear = (actual: number, expected: number) => Math.abs(actual - expected) <= expected / 500
  assert.equal(count, 1_000)
  assert.ok(
    isNear(mean, 500.5) && isNear(p50, 500) && isNear(p99, 990) && isNear(p999, 999) && isNear(max, 1_000),
  )
})

test('a scale of one keeps whole numbers', () => {
  const histogram = new Histogram(1)
  histogram.record(1)
  histogram.record(512)
  assert.equal(histogram.summary().max, 512)
})

test('zero and tiny values count as the smallest step', () => {
  const histogram = new Histogram()
  histogram.record(0)
  histogram.record(0.000_01)
  assert.deepEqual(histogram.summary(), {
    count: 2,
    mean: 0.001,
    p50: 0.001,
    p99: 0.001,
    p999: 0.001,
    max: 0.001,
  })
})
