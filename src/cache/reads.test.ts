import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../test/helpers/cache.ts'

test('a read comes to its end beside writes of its key that never cease', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const stop = new AbortController()
  const counting = (async () => {
    for (let times = 0; !stop.signal.aborted && times < 5_000; times++) await cache.increment('n')
    return stop.signal.aborted
  })()
  const first = (await cache.get<number>('n'))!
  assert.equal(await cache.has('n'), true)
  const all = await cache.getMany<number>(['n', 'none'])
  assert.ok(all.get('n')! >= first)
  assert.ok((await cache.getOrSet('n', () => 0)) >= first)
  stop.abort()
  assert.equal(await counting, true)
})

test('a mistake in the code is no miss: it is thrown', async () => {
  await using context = await cacheForTest({ memory: false })
  const { cache, database } = context
  await cache.set('key', 1)
  database.get = () => {
    throw new TypeError('a mistake')
  }
  await assert.rejects(cache.get('key'), /a mistake/)
  await assert.rejects(cache.has('key'), /a mistake/)
  await assert.rejects(
    cache.getOrSet('key', () => 1),
    /a mistake/,
  )
  Reflect.deleteProperty(database, 'get')
  assert.equal(await cache.get('key'), 1)
})
