import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cache } from '../cache/index.ts'
import { Database } from '../database/index.ts'
import { Jobs } from '../jobs/index.ts'
import { Realtime } from '../realtime/index.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { partMigrations } from './part-migrations.ts'
import { healthChecks, judgeCache, judgeDisk, judgeRealtime, judgeWait, judgeWal } from './health.ts'

const cacheFor = (app: Database) =>
  new Cache({ database: new Database(Cache.databaseOptions(':memory:')), app })

test('a database that answers is well', async () => {
  await using database = await temporaryDatabase({ partMigrations })
  await using jobs = new Jobs({ database })
  await jobs.start()
  await using cache = cacheFor(database)
  await cache.start()
  await using realtime = new Realtime({ database })
  await realtime.start()
  for (const each of healthChecks({ database, jobs, cache, realtime }))
    assert.equal((await each.check()).status, 'ok', each.name)
})

test('a database that is closed is not', async () => {
  const database = await temporaryDatabase()
  await database.stop()
  const realtime = new Realtime({ database })
  const parts = { database, jobs: new Jobs({ database }), cache: cacheFor(database), realtime }
  const check = healthChecks(parts).find(({ name }) => name === 'database')!
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

test('jobs that wait for minutes are a warning that names their queue', () => {
  assert.equal(judgeWait(undefined).status, 'ok')
  assert.equal(judgeWait({ queue: 'mail', duration: 299_000 }).status, 'ok')
  const late = judgeWait({ queue: 'mail', duration: 725_000 })
  assert.deepEqual(late, {
    status: 'warning',
    message: 'The next job of queue "mail" has waited for 12 minutes',
    details: { longestWait: 725_000, queue: 'mail' },
  })
})

test('a cache without its file is a warning and no failure', () => {
  const here = { hits: 3, misses: 1, ratio: 0.75, errors: 0, isOn: true }
  assert.deepEqual(judgeCache(here), { status: 'ok', details: here })
  assert.equal(judgeCache({ ...here, isOn: false }).status, 'warning')
  assert.equal(judgeCache(undefined).status, 'warning')
})

test('messages that cannot be read are a warning', () => {
  const here = { connections: 3, subscriptions: 4, behind: 0, buffered: 0, lag: 0, isReading: true }
  assert.deepEqual(judgeRealtime(here), { status: 'ok', details: here })
  assert.equal(judgeRealtime({ ...here, isReading: false }).status, 'warning')
  assert.equal(judgeRealtime(undefined).status, 'ok')
})
