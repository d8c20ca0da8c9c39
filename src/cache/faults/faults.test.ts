import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { Database } from '../../database/index.ts'
import { FakeClock } from '../../testing/index.ts'
import { Engine } from '../engine.ts'
import { Cache } from '../index.ts'
import { resolveOptions } from '../options.ts'

test('when the storage is gone every call is a miss or does nothing, with an event and one line in the log', async () => {
  await using context = await cacheForTest()
  const { cache, database, logger } = context
  await cache.set('key', 1)
  const heard: unknown[] = []
  const listen = (message: unknown): void => void heard.push(message)
  subscribe('handcar.cache.error', listen)
  await database.stop()
  assert.equal(await cache.get('key'), undefined)
  assert.equal(await cache.has('key'), false)
  assert.equal((await cache.getMany(['key', 'other'])).size, 0)
  await cache.set('key', 2)
  await cache.setMany({ a: 1, b: 2 })
  assert.equal(await cache.setIfAbsent('key', 2), false)
  assert.equal(await cache.delete('key'), false)
  assert.equal(await cache.deleteMany(['key']), 0)
  assert.equal(await cache.increment('n', 5), 5)
  assert.equal(await cache.touch('key', 1), false)
  assert.deepEqual(await cache.keys(), [])
  assert.equal(await cache.getOrSet('key', { tags: ['x'] }, () => 'made'), 'made')
  await cache.clear()
  assert.ok(cache.stats().errors > 0)
  unsubscribe('handcar.cache.error', listen)
  assert.ok(heard.length > 0)
  assert.equal(logger.lines.filter(({ message }) => message.includes('goes on without')).length, 1)
})

test('before start() and after stop() every call says so', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.stop()
  for (const call of [
    () => cache.get('key'),
    () => cache.set('key', 1),
    () => cache.invalidate('x'),
    () => cache.getOrSet('key', () => 1),
    async () => cache.stats(),
  ])
    assert.equal(await codeOf(call), 'HANDCAR_NOT_STARTED')
})

test('databases without the tables are refused', async () => {
  using folder = temporaryFolder()
  const database = new Database({ path: folder.file('other.sqlite3'), readers: false })
  const cache = new Cache({ database })
  assert.equal(await codeOf(() => cache.start()), 'HANDCAR_CACHE_TABLES')
  assert.equal(database.state, 'stopped')
  const app = new Database({ path: folder.file('app.sqlite3'), readers: false })
  await app.start()
  const withApp = new Cache({ database: new Database(Cache.databaseOptions(':memory:')), app })
  assert.equal(await codeOf(() => withApp.start()), 'HANDCAR_CACHE_TABLES')
  await app.stop()
})

test("invalidate throws when the app's database fails", async () => {
  await using context = await cacheForTest()
  await context.app.stop()
  await assert.rejects(context.cache.invalidate('x'))
  // Whether a tag was changed is not known, so what has one is a miss.
  await context.cache.set('key', 1, { tags: ['x'] })
  assert.equal(await context.cache.get('key'), undefined)
  assert.equal(await context.cache.getOrSet('key', { tags: ['x'] }, () => 'made'), 'made')
})

test('a table that is gone: the file is set aside and begun anew', async () => {
  using folder = temporaryFolder()
  await using context = await cacheForTest({ path: folder.file('cache.sqlite3') })
  const { cache, database } = context
  await cache.set('key', 1)
  await database.run('drop table handcar_cache_entries')
  await waitUntil('it works again', async () => {
    await cache.set('other', 2)
    return (await cache.get('other')) === 2 && cache.stats().isOn
  })
  assert.equal(await cache.get('key'), undefined)
})

test('a table that is missing again and again: files are begun anew less and less often', async () => {
  using folder = temporaryFolder()
  await using context = await cacheForTest({ path: folder.file('cache.sqlite3') })
  const { cache, database } = context
  const setAside = () => readdirSync(folder.path).filter((name) => name.includes('.corrupt-'))
  await database.run('drop table handcar_cache_entries')
  await waitUntil('it works again', async () => {
    await cache.set('key', 1)
    return (await cache.get('key')) === 1
  })
  const first = setAside()
  assert.equal(first.length, 1)
  await database.run('drop table handcar_cache_entries')
  const from = performance.now()
  for (let time = 0; time < 20; time++) await cache.set('key', 2)
  if (performance.now() - from < 500) assert.deepEqual(setAside(), first)
  await waitUntil('it works again, later', async () => {
    await cache.set('key', 3)
    return (await cache.get('key')) === 3
  })
  assert.notDeepEqual(setAside(), first)
})

test('a mistake in the code that writes is thrown, and takes no other write with it', async () => {
  const path = ':memory:'
  const database = new Database(Cache.databaseOptions(path))
  const clock = new FakeClock()
  const engine = new Engine(resolveOptions({ database, clock, logger: recordingLogger() }))
  await database.start()
  await engine.storageIsNew()
  await engine.faults.opened()
  const { writes } = engine
  const one = writes.work(() => 1, 0)
  const wrong = writes.work(() => {
    throw new TypeError('a mistake')
  }, undefined)
  const parameter = writes.work((tx) => void tx.run('delete from handcar_cache_uses where id = ?', [NaN]), 0)
  const two = writes.work(() => 2, 0)
  await assert.rejects(wrong, /a mistake/)
  assert.equal(await codeOf(() => parameter), 'HANDCAR_PARAMETER')
  assert.deepEqual(await Promise.all([one, two]), [1, 2])
  assert.ok(engine.faults.canWrite)
  await engine.faults.stop()
  await database.stop()
})
