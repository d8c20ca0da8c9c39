import { writeFileSync } from 'node:fs'
import { Database } from 'handcar/database'
import { Ledger } from './ledger-of-one.ts'
import { ledgerOptions } from './ledger.ts'

/**
 * A process whose disk fails once, as the shim is told by the trigger file. Writes before, during and after it, and
 * reports {@link FailingDiskReport} as JSON.
 */

/** How many transactions were acknowledged, and with which codes others were refused. */
export interface FailingDiskReport {
  before: number
  during: number
  after: number
  codes: string[]
  acknowledged: number[]
  /** Whether the process could still read. */
  reads: boolean
  /** Frames that the WAL held before the process stopped. */
  frames: number
}

const { path, trigger } = JSON.parse(process.argv[2]!) as { path: string; trigger: string }
const quiet = { warn() {}, error() {}, info() {}, debug() {} }
const checkpointer = { interval: '2ms', passiveFrames: 20, restartFrames: 80 } as const
const database = new Database({ ...ledgerOptions, path, readers: false, checkpointer, logger: quiet })
await database.start()
const ledger = new Ledger(database)
for (let round = 0; round < 20; round++) await ledger.enterMany(16, 100)
const before = ledger.acknowledged.size
writeFileSync(trigger, '')
const patience = performance.now() + 5_000
while (ledger.refused.size === 0 && performance.now() < patience) await ledger.enterMany(16, 100)
const during = ledger.acknowledged.size - before
for (let round = 0; round < 20; round++) await ledger.enterMany(16, 100)
const report: FailingDiskReport = {
  before,
  during,
  after: ledger.acknowledged.size - before - during,
  codes: ledger.codes,
  acknowledged: [...ledger.acknowledged],
  reads: database.get('select 1 from entries') !== undefined,
  frames: database.stats().wal.frames,
}
await database.stop()
process.stdout.write(`${JSON.stringify(report)}\n`)
