import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Database } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { Child } from './child.ts'
import { auditLedger, parseAcknowledgements } from './ledger-audit.ts'
import { ledgerOptions } from './ledger.ts'
import { Random } from './random.ts'
import type { ServiceStressReport } from './service-stress-process.ts'

const skip = process.platform !== 'linux' && 'files and threads are counted in /proc'

for (const coordinated of [false, true]) {
  const beside = coordinated ? 'and a coordinator works' : 'works'
  test(`ten callers start and stop a database while another process ${beside}`, { skip }, async (t) => {
    const { seed } = new Random()
    t.diagnostic(`HANDCAR_SEED=${seed}`)
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    const acknowledgements = folder.file('acknowledged')
    const coordinator = coordinated ? new Child('coordinator-process', { path }) : undefined
    await coordinator?.started
    const beat = { path, acknowledgements, writer: 'other', durability: 'disk', inFlight: 2, payload: 10 }
    const other = new Child('ledger-writer-process', beat)
    await other.started
    const stressed = new Child('service-stress-process', { path, seed })
    await stressed.ended
    await other.kill()
    await coordinator?.finish()

    assert.equal(other.errors + stressed.errors, '')
    const { acknowledged, codes, before, after } = JSON.parse(stressed.lines[0]!) as ServiceStressReport
    t.diagnostic(`${acknowledged.length} acknowledged; refused with ${codes.join(', ') || 'nothing'}`)
    assert.deepEqual(after, before)
    assert.deepEqual(
      codes.filter((code) => !['HANDCAR_NOT_STARTED', 'HANDCAR_STOPPED'].includes(code)),
      [],
    )
    assert.ok(acknowledged.length > 0)
    await using database = new Database({ ...ledgerOptions, path, readers: false })
    await database.start()
    const all = parseAcknowledgements(readFileSync(acknowledgements, 'utf8')).set('stressed', acknowledged)
    assert.deepEqual(auditLedger(database, all), [])
  })
}
