import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Latencies } from '../harness/latencies.ts'
import { parseHey } from './hey.ts'

const header = 'response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset'

test('the rate is that of all answers until the last one has come', () => {
  const report = parseHey(
    `${header}
0.0100,0.0009,0.0000,0.0001,0.0009,0.0001,200,0.0000
0.0200,0.0002,0.0000,0.0000,0.0009,0.0001,404,0.1000
0.5000,0.0001,0.0000,0.0000,0.0004,0.0000,200,1.5000
`,
  )
  assert.equal(report.perSecond, 1.5)
  assert.deepEqual(report.statuses, { 200: 2, 404: 1 })
  assert.equal(Latencies.merge([report.latencies]).summary().count, 3)
})

test('no answer at all is an error', () => {
  assert.throws(() => parseHey(`${header}\n`), /no answer/)
})
