import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../testing/index.ts'
import { healthChecks, judgeDisk, judgeWal } from './health.ts'

test('a database that answers is well', async () => {
  await using database = await temporaryDatabase()
  for (const each of healthChecks(database)) assert.equal((await each.check()).status, 'ok', each.name)
})

test('a database that is closed is not', async () => {
  const database = await temporaryDatabase()
  await database.stop()
  const check = healthChecks(database).find(({ name }) => name === 'database')!
  assert.throws(() => check.check(), { code: 'HANDCAR_NOT_STARTED' })
})

test('little room is a warning, none is a failure; a large WAL is a warning', () => {
  const megabyte = 1_024 ** 2
  assert.equal(judgeDisk(200 * megabyte).status, 'ok')
  assert.equal(judgeDisk(99 * megabyte).status, 'warning')
  assert.equal(judgeDisk(19 * megabyte).status, 'failing')
  assert.match(judgeDisk(19 * megabyte).message!, /^19 MB are free/)
  assert.equal(judgeWal(16 * megabyte).status, 'ok')
  assert.equal(judgeWal(300 * megabyte).status, 'warning')
})
