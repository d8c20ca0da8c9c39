import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byPhase, phaseOf } from './phases.ts'

const reloads = [
  { begun: 100, served: 200, ended: 300 },
  { begun: 1100, served: 1200, ended: 1300 },
]
const request = (since: number, milliseconds: number, hasFailed = false) => ({
  since,
  milliseconds,
  hasFailed,
  outcome: hasFailed ? 'ECONNRESET' : '200',
})

test('a request belongs to the busiest phase that it overlaps', () => {
  assert.equal(phaseOf(request(0, 50), reloads), 'at rest')
  assert.equal(phaseOf(request(90, 20), reloads), 'new processes start')
  assert.equal(phaseOf(request(190, 20), reloads), 'new processes start')
  assert.equal(phaseOf(request(210, 20), reloads), 'old processes drain')
  assert.equal(phaseOf(request(290, 2000), reloads), 'new processes start')
  assert.equal(phaseOf(request(300, 800), reloads), 'at rest')
})

test('each phase has its own times and failures', () => {
  const found = byPhase([request(0, 1), request(110, 30), request(120, 10, true)], reloads)
  const { count, max, failed } = found.get('new processes start')!
  assert.deepEqual([count, max, failed], [2, 30, 1])
  assert.equal(found.get('at rest')!.count, 1)
  assert.equal(found.get('old processes drain')!.count, 0)
})
