import assert from 'node:assert/strict'
import { test } from 'node:test'
import { target, untested } from './targets.ts'

test('a target is met on its side of the limit', () => {
  assert.equal(target('delay', 19.99, '<', 20, 'ms').met, true)
  assert.equal(target('delay', 20, '<', 20, 'ms').met, false)
  assert.equal(target('failed', 0, '≤', 0).met, true)
  assert.equal(target('faster', 20, '≥', 20, '×').met, true)
  assert.equal(target('requests', 1358, '>', 1358).met, false)
})

test('a target reads as it was promised', () => {
  assert.deepEqual(target('event-loop delay p99', 12.3456, '<', 20, 'ms', '3–14'), {
    name: 'event-loop delay p99',
    target: '< 20 ms',
    value: 12.3,
    met: true,
    note: '3–14',
  })
})

test('what was not measured is neither met nor missed, and nonsense is missed', () => {
  assert.deepEqual(untested('PostgreSQL', '≥ 8 ×', 'not installed'), {
    name: 'PostgreSQL',
    target: '≥ 8 ×',
    value: null,
    met: null,
    note: 'not installed',
  })
  const missing = target('ratio', Number.NaN, '≥', 8, '×')
  assert.equal(missing.met, false)
  assert.equal(missing.value, null)
})

test('rounding for the eye does not decide', () => {
  assert.equal(target('ratio', 7.9999, '≥', 8).met, false)
})
