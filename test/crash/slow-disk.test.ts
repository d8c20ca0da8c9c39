import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Child } from './child.ts'
import { compileShim } from './shim.ts'
import type { SlowDiskReport } from './slow-disk-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

/**
 * A disk whose every sync takes 3 ms longer. Waiting for it happens on the thread pool, so the event loop stays free; one
 * sync covers all writes that wait, so the throughput is far above one write per sync.
 */

const folder = temporaryFolder()
after(() => folder[Symbol.dispose]())
const { library, missing: skip } = compileShim('slow-disk-shim', folder.path)

test('256 writes in flight on a slow disk leave the event loop free', { skip }, async (t) => {
  const options = { path: folder.join('app.sqlite3'), duration: 2_500 }
  const environment = { LD_PRELOAD: library, HANDCAR_SYNC_DELAY: '3000' }
  const child = new Child('slow-disk-process', options, environment)
  await child.ended
  assert.equal(child.errors, '')
  const report = JSON.parse(child.lines[0]!) as SlowDiskReport
  t.diagnostic(JSON.stringify(report))
  assert.ok(report.sync >= 3, 'the syncs were not slow')
  assert.ok(report.loopDelay < 15, `p99 of the event loop's delay is ${report.loopDelay} ms`)
  assert.ok(report.writesPerSecond > 10 * (1_000 / 3), `${report.writesPerSecond} writes per second`)
  assert.ok(report.readsPerSecond > 30, `${report.readsPerSecond} reads per second`)
})
