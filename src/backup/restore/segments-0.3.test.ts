import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newestSegment } from './segments-0.3.ts'

test('the newest part of the WAL of a generation, of those that Litestream 0.3 lists', () => {
  const printed = `replica  generation        index  offset   size   created
file     ecbbca41f0c19819  1      5137672  16028  2026-11-20T22:19:34Z
file     ecbbca41f0c19819  2      951752   0      2026-11-20T22:19:36Z
file     ecbbca41f0c19819  2      0        11781  2026-11-20T22:19:34Z
file     85993c68c0cf0887  0      0        11781  2026-11-20T23:00:00Z
`
  assert.equal(newestSegment(printed, 'ecbbca41f0c19819'), Date.parse('2026-11-20T22:19:36Z'))
  assert.equal(newestSegment(printed, '0000000000000000'), undefined)
})
