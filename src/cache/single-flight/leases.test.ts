import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { openDriver } from '../../database/driver.ts'
import { Cache } from '../index.ts'

/** A factory that is finished by hand. */
function byHand<Value>(value: Value) {
  let finish: () => void = () => {}
  let calls = 0
  const factory = (): Promise<Value> => {
    calls++
    return new Promise((resolve) => (finish = () => resolve(value)))
  }
  const called = (times = 1) => waitUntil('the factory was called', () => calls === times)
  return { factory, called, finish: () => finish(), calls: () => calls }
}

const selectLeases = 'select * from handcar_cache_leases'

test('a key that is set in the transaction in which its lease is taken stays what it was set to', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await Promise.all([cache.set('other', 1), cache.getOrSet('key', () => 'made'), cache.set('key', 'set')])
  assert.equal(await cache.get('key'), 'set')
})

test('a set through another cache on the same database ends the lease, and a clear is noticed', async () => {
  await using context = await cacheForTest()
  const { cache, database, app, clock } = context
  await using other = new Cache({ database, app, clock, logger: recordingLogger() })
  await other.start()
  await other.set('a', 1)
  await other.set('a', 1)
  await cache.clear()
  await other.set('a', 2)
  for (const each of [cache, other]) assert.equal(await each.get('a'), 2)
  await other.set('b', 1)
  const slow = byHand('old')
  const made = cache.getOrSet('key', slow.factory)
  await slow.called()
  await other.set('key', 'new')
  slow.finish()
  await made
  for (const each of [cache, other]) assert.equal(await each.get('key'), 'new')
})

test('what was made before a clear leaves no row behind', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  const slow = byHand('old')
  const made = cache.getOrSet('key', slow.factory)
  await slow.called()
  await cache.clear()
  await cache.set('key', 'new')
  await cache.delete('key')
  slow.finish()
  assert.equal(await made, 'old')
  assert.deepEqual(await cache.keys(), [])
  assert.equal(database.get("select 1 from handcar_cache_entries where key = 'key'"), undefined)
})

test('a factory that fails after a clear gives its lease back', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path })
  await using other = await cacheForTest({ path, clock: one.clock })
  const options = { ttl: '1s', grace: '1m' } as const
  await one.cache.getOrSet('key', options, () => 'stale')
  one.clock.advance(1_000)
  const slow = byHand('new')
  const made = one.cache.getOrSet('key', options, slow.factory)
  await slow.called()
  // It waits for the other one, and what it fell back to is cleared meanwhile.
  const failed = other.cache.getOrSet('key', options, () => {
    throw new Error('no')
  })
  await sleep(40)
  await one.cache.clear()
  slow.finish()
  await made
  await failed.catch(() => {})
  assert.equal(one.database.get(selectLeases), undefined)
})

test('stop() while the lease that another process holds is asked for', { timeout: 20_000 }, async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path })
  await using other = await cacheForTest({ path })
  const slow = byHand('made')
  const made = one.cache.getOrSet('key', slow.factory)
  await slow.called()
  const lock = openDriver(path, { readonly: false, mustExist: true })
  lock.exec('begin immediate')
  const code = codeOf(() => other.cache.getOrSet('key', () => 'never'))
  const stopped = other.cache.stop({ timeout: 10 })
  await sleep(50)
  lock.exec('rollback')
  lock.close()
  await stopped
  assert.equal(await code, 'HANDCAR_STOPPED')
  slow.finish()
  assert.equal(await made, 'made')
})

test('a factory whose time is over before its turn comes is not called', { timeout: 20_000 }, async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using context = await cacheForTest({ path })
  const lock = openDriver(path, { readonly: false, mustExist: true })
  lock.exec('begin immediate')
  const slow = byHand('never')
  const code = codeOf(() => context.cache.getOrSet('key', { hardTimeout: 100 }, slow.factory))
  context.clock.advance(100)
  lock.exec('rollback')
  lock.close()
  assert.equal(await code, 'HANDCAR_CACHE_TIMEOUT')
  await context.cache.set('other', 1)
  await waitUntil('the lease was given back', () => context.database.get(selectLeases) === undefined)
  assert.equal(slow.calls(), 0)
})

test(
  'all files of the cache are deleted while it is used: still one factory at a time',
  { timeout: 30_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    await using one = await cacheForTest({ path })
    await using other = await cacheForTest({ path })
    await one.cache.getOrSet('a', () => 1)
    await other.cache.getOrSet('b', () => 1)
    for (const file of readdirSync(folder.path))
      if (file.startsWith('cache.sqlite3')) rmSync(folder.file(file))
    await waitUntil('the file is there again', async () => {
      await one.cache.get('x')
      return existsSync(path)
    })
    await using third = await cacheForTest({ path })
    await third.cache.set('x', 1)
    for (const { cache } of [one, other])
      await waitUntil('it uses the new file', async () => (await cache.get('x')) === 1)
    const slow = byHand('made')
    const made = one.cache.getOrSet('key', slow.factory)
    await slow.called()
    const followed = other.cache.getOrSet('key', slow.factory)
    await sleep(100)
    assert.equal(slow.calls(), 1)
    slow.finish()
    assert.deepEqual(await Promise.all([made, followed]), ['made', 'made'])
  },
)
