import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMoment } from './moment.ts'

const now = Date.parse('2026-04-01T12:00:00Z')
const read = (text: string): number => readMoment('--at', text, now)

test('moments of the past', () => {
  assert.equal(read('2026-04-01T09:30:00Z'), Date.parse('2026-04-01T09:30:00Z'))
  assert.equal(read('2026-04-01T09:30:00.250+02:00'), Date.parse('2026-04-01T07:30:00.250Z'))
  assert.equal(read('2026-03-30 09:30'), new Date(2026, 2, 30, 9, 30).getTime())
  const zone = process.env['TZ']
  process.env['TZ'] = 'America/New_York'
  assert.equal(read('2026-03-30'), Date.parse('2026-03-30T04:00:00Z'))
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
  assert.equal(read('10m ago'), now - 600_000)
  assert.equal(read('2d ago'), now - 2 * 86_400_000)
})

test('anything else is refused', () => {
  for (const text of ['', '1', 'yesterday', '04/05/26', '2026-04-01T25:00:00Z', 'x ago', 'ago', '10m'])
    assert.throws(() => read(text), /expected a time such as/, text)
  assert.throws(() => read('2026-04-01T12:00:01Z'), /has passed/)
})
