import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCounter } from './server-stats.ts'

test('latency is that of the last minute', () => {
  const counter = new RequestCounter()
  const now = performance.now() + 200_000
  counter.record(200, now - 120_000, 500)
  counter.record(200, now - 80_000, 500)
  for (const duration of [1, 2, 3]) counter.record(200, now, duration)
  counter.record(200, now, undefined)
  const { count, max, p50 } = counter.latency(now)
  assert.equal(count, 3)
  assert.ok(max >= 3 && max < 3.1 && p50 >= 2 && p50 < 2.1)
  assert.equal(counter.requests, 6)
})

test('a slot that comes round again starts from nothing', () => {
  const counter = new RequestCounter()
  const now = performance.now()
  counter.record(200, now + 1_000, 900)
  counter.record(200, now + 1_000 + 70_000, 1)
  assert.equal(counter.latency(now + 71_000).count, 1)
})

test('statuses are counted by class, strange ones too', () => {
  const counter = new RequestCounter()
  for (const status of [101, 200, 204, 301, 404, 499, 503, 999]) counter.record(status, performance.now(), 0)
  assert.deepEqual(counter.statuses(), { '1xx': 1, '2xx': 2, '3xx': 1, '4xx': 2, '5xx': 2 })
  assert.ok(counter.requestsPerSecond() > 0)
  assert.deepEqual(new RequestCounter().latency(), { count: 0, mean: 0, p50: 0, p99: 0, p999: 0, max: 0 })
})
