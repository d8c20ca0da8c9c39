import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { after, test, type TestContext } from 'node:test'
import { Database } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { Child } from './child.ts'
import type { FailingDiskReport } from './failing-disk-process.ts'
import { auditLedger } from './ledger-audit.ts'
import { enter, ledgerOptions } from './ledger.ts'
import { compileShim } from './shim.ts'

/**
 * A disk that fails once (EIO from a sync). The kernel may have dropped what it could not write and reports success the
 * next time, so after one failure nothing may be acknowledged until the process starts anew.
 */

const folder = temporaryFolder()
after(() => folder[Symbol.dispose]())
const trigger = folder.file('trigger')
const { library, missing: skip } = compileShim('slow-disk-shim', folder.path)

/** When the failure comes up in a sync of SQLite's own, inside a commit: that commit is rolled back. */
const whereSqliteMetIt = ['HANDCAR_TRANSACTION_ROLLED_BACK', 'SQLITE_IOERR_FSYNC']

for (const [what, end] of [
  ['the WAL', '-wal'],
  ['the database file', '.sqlite3'],
]) {
  test(`a failed sync of ${what} ends all acknowledgements`, { skip }, async (t) => {
    const path = folder.file(`fails${end}.sqlite3`)
    const child = new Child('failing-disk-process', { path, trigger }, failing(end!))
    await child.ended
    await assertRefused(t, path, child)
  })
}

test('a failed sync in the coordinator ends the acknowledgements of all', { skip }, async (t) => {
  const path = folder.file('coordinated.sqlite3')
  const options = { path, checkpointer: { interval: '2ms', passiveFrames: 20, restartFrames: 80 } }
  const coordinator = new Child('coordinator-process', options, failing('.sqlite3'))
  await coordinator.started
  const child = new Child('failing-disk-process', { path, trigger })
  await child.ended
  await coordinator.finish()
  assert.match(coordinator.errors, /the disk did not take a checkpoint/)
  await assertRefused(t, path, child)
})

function failing(end: string): NodeJS.ProcessEnv {
  return { LD_PRELOAD: library, HANDCAR_SYNC_FAIL: end, HANDCAR_SYNC_TRIGGER: trigger }
}

async function assertRefused(t: TestContext, path: string, child: Child): Promise<void> {
  assert.equal(child.exitCode, 0, child.errors)
  const report = JSON.parse(child.lines[0]!) as FailingDiskReport
  t.diagnostic(JSON.stringify({ ...report, acknowledged: report.acknowledged.length }))
  assert.equal(report.before, 320)
  assert.equal(report.after, 0, 'writes were acknowledged after a sync had failed')
  assert.ok(report.codes.includes('HANDCAR_SYNC_FAILED'))
  const others = report.codes.filter((code) => code !== 'HANDCAR_SYNC_FAILED')
  assert.deepEqual(
    others.filter((code) => !whereSqliteMetIt.includes(code)),
    [],
  )
  assert.ok(report.reads)
  const { size } = statSync(`${path}-wal`, { throwIfNoEntry: false }) ?? { size: 0 }
  assert.ok(
    size >= report.frames * 4_096,
    'the process took the WAL with it, which may hold what the disk lost',
  )

  await using database = new Database({ ...ledgerOptions, path, readers: false })
  await database.start()
  await database.write((tx) => enter(tx, 'two', 1, ''))
  const acknowledged = new Map([['one', report.acknowledged]]).set('two', [1])
  assert.deepEqual(auditLedger(database, acknowledged), [])
}
