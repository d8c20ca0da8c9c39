import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../test/helpers/cache.ts'
import { codeOf } from '../../test/helpers/errors.ts'
import { Database } from '../database/index.ts'
import { Cache } from './index.ts'

test('times that are too long are refused, and fractions of a millisecond rounded', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  const third = 1_000 / 3
  const beside = cache.set('beside', 1)
  await cache.getOrSet('key', { ttl: third, grace: third, staleWhileRevalidate: third }, () => 1)
  await beside
  assert.deepEqual(Object.fromEntries(await cache.getMany(['key', 'beside'])), { key: 1, beside: 1 })
  for (const wrong of [1e15, 1e300, -1, NaN, Infinity, '1', {}] as never[]) {
    for (const options of [
      { ttl: wrong },
      { grace: wrong },
      { staleWhileRevalidate: wrong },
      { graceBackoff: wrong },
    ])
      assert.equal(await codeOf(() => cache.getOrSet('none', options, () => 1)), 'HANDCAR_OPTION_INVALID')
    assert.equal(
      await codeOf(() => cache.getOrSet('none', (context) => context.setTtl(wrong))),
      'HANDCAR_OPTION_INVALID',
    )
    for (const call of [
      () => cache.set('none', 1, { ttl: wrong }),
      () => cache.set('none', 1, { grace: wrong }),
      () => cache.increment('none', 1, { ttl: wrong }),
      () => cache.touch('none', wrong),
      () => new Cache({ database, ttl: wrong }),
    ])
      assert.equal(await codeOf(async () => call()), 'HANDCAR_OPTION_INVALID')
  }
  assert.equal(cache.stats().errors, 0)
})

test('a text is no list of keys, and what is no option is no option', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.setMany({ k: 1, e: 1, y: 1 })
  for (const wrong of ['key', 5, null, undefined, {}] as never[]) {
    for (const call of [() => cache.getMany(wrong), () => cache.deleteMany(wrong)])
      assert.equal(await codeOf(call), 'HANDCAR_OPTION_INVALID')
  }
  for (const wrong of ['key', 5, null, undefined, [1], ['key']] as never[])
    assert.equal(await codeOf(() => cache.setMany(wrong)), 'HANDCAR_OPTION_INVALID')
  for (const wrong of [5, null, { prefix: 5 }, { limit: 'x' }, { limit: NaN }, { after: 5 }] as never[])
    assert.equal(await codeOf(() => cache.keys(wrong)), 'HANDCAR_OPTION_INVALID')
  for (const wrong of [5, null] as never[])
    assert.equal(await codeOf(() => cache.increment('n', 1, wrong)), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => cache.increment('n', 1, { tll: 1 } as object)), 'HANDCAR_OPTION_UNKNOWN')
  assert.deepEqual((await cache.keys()).sort(), ['e', 'k', 'y'])
})

test('the file of the app is not for the cache, whatever it is called', async () => {
  const app = new Database({ path: 'data/app.sqlite3' })
  const database = new Database(Cache.databaseOptions('data/../data/app.sqlite3'))
  assert.equal(await codeOf(() => new Cache({ database, app })), 'HANDCAR_OPTION_INVALID')
})
