import assert from 'node:assert/strict'
import test from 'node:test'
import { simulate } from './simulate.ts'
import { makeTrace, sizeOf, type TraceSettings } from './trace.ts'

const settings: TraceSettings = { keys: 1_000, reads: 50_000, exponent: 1, sizes: 'mixed', scans: 0 }

test('a trace follows from its settings, and the first keys are asked for as Zipf says', () => {
  const trace = makeTrace(settings)
  assert.deepEqual(makeTrace(settings), trace)
  const counts = [...Map.groupBy(trace, (key) => key).values()].map((reads) => reads.length)
  const [first, second] = counts.toSorted((a, b) => b - a)
  assert.ok(first! / second! > 1.7 && first! / second! < 2.3, `${first} and ${second}`)
  assert.ok(trace.every((key) => key < settings.keys))
})

test('scans ask for keys that nobody asks for twice, as often as they were ordered', () => {
  const trace = makeTrace({ ...settings, reads: 200_000, scans: 0.3 })
  const scanned = trace.filter((key) => key >= settings.keys)
  assert.equal(new Set(scanned).size, scanned.length)
  assert.ok(scanned.length > 40_000 && scanned.length < 75_000, String(scanned.length))
})

test('sizes are the same each time, between 100 and 10,000 bytes', () => {
  const sizes = Array.from({ length: 1_000 }, (_, key) => sizeOf(settings, key))
  assert.ok(sizes.every((size, key) => size >= 100 && size <= 10_000 && size === sizeOf(settings, key)))
  assert.ok(Math.max(...sizes) > 9_000 && Math.min(...sizes) < 110)
  assert.equal(sizeOf({ ...settings, sizes: 'alike' }, 7), 1_000)
})

test('LRU and FIFO keep what they have to keep', () => {
  const alike: TraceSettings = { ...settings, sizes: 'alike' }
  // Room for two: 1 is touched before 3 comes.
  const trace = Uint32Array.from([9, 9, 9, 9, 9, 1, 2, 1, 3, 1])
  const room = 2 * (1_000 + 'key:1'.length)
  assert.equal(simulate('LRU', trace, alike, room).hitRatio, 2 / 5)
  assert.equal(simulate('FIFO', trace, alike, room).hitRatio, 1 / 5)
})
