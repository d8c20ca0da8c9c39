import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Child } from './child.ts'
import { Ledger } from './ledger-of-one.ts'
import { ledgerOptions } from './ledger.ts'

/**
 * The coordinator makes writing fair; it is not needed for it. A coordinator that hangs (SIGSTOP) or dies stops nobody, and
 * one that comes back is found.
 */
test('a coordinator that hangs, dies and comes back', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const coordinator = new Child('coordinator-process', { path })
  await coordinator.started
  await using database = new Database({ ...ledgerOptions, path, readers: false })
  await database.start()
  const ledger = new Ledger(database)
  await waitUntil('the coordinator is found', () => database.stats().coordinated)
  await ledger.enterMany(16, 10)

  coordinator.signal('SIGSTOP')
  for (let round = 0; round < 5; round++) await ledger.enterMany(16, 10)
  await using late = new Database({ ...ledgerOptions, path, readers: false })
  await late.start()
  await late.run('delete from counters where false')
  for (let round = 0; round < 5; round++) await ledger.enterMany(16, 10)

  await coordinator.kill()
  await waitUntil('the coordinator is missed', () => !database.stats().coordinated)
  for (let round = 0; round < 5; round++) await ledger.enterMany(16, 10)

  const successor = new Child('coordinator-process', { path })
  await waitUntil('the coordinator is found', () => database.stats().coordinated)
  for (let round = 0; round < 5; round++) await ledger.enterMany(16, 10)
  await successor.finish()
  assert.equal(successor.errors, '')
  assert.equal(ledger.refused.size, 0)
  assert.deepEqual(ledger.audit(), [])
})
