import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Latencies } from './latencies.ts'

test('percentiles are those of the recorded times, within three digits', () => {
  const latencies = new Latencies()
  for (let millisecond = 1; millisecond <= 1000; millisecond++) latencies.record(millisecond)
  const { count, p50, p99, max } = latencies.summary()
  assert.equal(count, 1000)
  assertNear(p50, 500)
  assertNear(p99, 990)
  assertNear(max, 1000)
})

test('merging two processes counts every sample once, and the rare slow one survives', () => {
  const calm = new Latencies()
  const stalled = new Latencies()
  for (let request = 0; request < 9_999; request++) calm.record(1)
  stalled.record(4_000)
  const merged = Latencies.merge([calm.encode(), stalled.encode()])
  assert.equal(merged.count, 10_000)
  assertNear(merged.percentile(99), 1)
  assertNear(merged.summary().max, 4_000)
})

test('a stall counts for every moment it lasted', () => {
  const delays = new Latencies()
  for (let tick = 0; tick < 900; tick++) delays.recordStall(0.5, 1)
  delays.recordStall(100, 1)
  assert.equal(delays.count, 1000)
  assertNear(delays.percentile(95), 50)
})

test('an empty histogram has no times, and a time of nothing is still a sample', () => {
  const latencies = new Latencies()
  assert.deepEqual(latencies.summary(), { count: 0, p50: 0, p99: 0, p999: 0, p9999: 0, max: 0 })
  latencies.record(0)
  assert.equal(latencies.count, 1)
})

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * 0.01, `${actual} is not near ${expected}`)
}
