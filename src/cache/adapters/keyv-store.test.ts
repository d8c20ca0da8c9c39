import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keyv } from 'keyv'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { KeyvStore } from '../index.ts'

/** The time of Keyv is the machine's, so the cache takes that as well. */
const clock = { now: () => Date.now(), setTimer: () => () => {} }

test('Keyv reads what it has written, each kind of value', async () => {
  await using context = await cacheForTest()
  const keyv = new Keyv({ store: new KeyvStore(context.cache) })
  keyv.on('error', (error: unknown) => assert.fail(String(error)))
  for (const value of [
    'text',
    '',
    0,
    1.5,
    true,
    false,
    null,
    [1, { a: 'b' }],
    { nested: { list: [null] } },
  ]) {
    assert.equal(await keyv.set('key', value), true)
    assert.deepEqual(await keyv.get('key'), value)
  }
  assert.equal(await keyv.get('none'), undefined)
  assert.deepEqual([await keyv.has('key'), await keyv.has('none')], [true, false])
  assert.deepEqual([await keyv.delete('key'), await keyv.delete('key')], [true, false])
  assert.equal(await keyv.get('key'), undefined)
})

test('without a serializer of Keyv, values are kept as the cache keeps them', async () => {
  await using context = await cacheForTest()
  const keyv = new Keyv({ store: new KeyvStore(context.cache), serialization: false })
  const value = { at: new Date(5), map: new Map([[1, new Set(['a'])]]), bytes: Buffer.from('ä') }
  await keyv.set('key', value)
  assert.deepEqual(await keyv.get('key'), value)
})

test('many at once', async () => {
  await using context = await cacheForTest()
  const keyv = new Keyv({ store: new KeyvStore(context.cache), namespace: 'many' })
  await keyv.setMany([
    { key: 'a', value: 1 },
    { key: 'b', value: 2 },
  ])
  assert.deepEqual(await keyv.getMany(['a', 'none', 'b']), [1, undefined, 2])
  assert.deepEqual(await keyv.hasMany(['a', 'none']), [true, false])
  await keyv.deleteMany(['a', 'none'])
  assert.deepEqual(await keyv.getMany(['a', 'b']), [undefined, 2])
})

test('a ttl ends a value, to the millisecond, and in the cache as well', async () => {
  await using context = await cacheForTest({ clock })
  const { cache } = context
  const keyv = new Keyv({ store: new KeyvStore(cache), namespace: 'x' })
  await keyv.set('long', 2, 60_000)
  await keyv.set('for ever', 3, 0)
  const ttl = 200
  const earliestEnd = Date.now() + ttl
  await keyv.set('short', 1, ttl)
  const endAt = Date.now() + ttl
  const value = await keyv.get('short')
  // On a busy machine the time may be over by now.
  if (Date.now() < earliestEnd) assert.equal(value, 1)
  while (Date.now() <= endAt) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(await keyv.getMany(['short', 'long', 'for ever']), [undefined, 2, 3])
  assert.deepEqual((await cache.namespace('x').keys()).sort(), ['for ever', 'long'])
})

test('namespaces are apart, and one is cleared without the other', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const [one, other] = ['one', 'other'].map(
    (namespace) => new Keyv({ store: new KeyvStore(cache), namespace }),
  ) as [Keyv, Keyv]
  await cache.set('key', 'of the cache')
  await one.set('key', 1)
  await other.set('key', 2)
  assert.deepEqual([await one.get('key'), await other.get('key')], [1, 2])
  await one.clear()
  assert.deepEqual([await one.get('key'), await other.get('key')], [undefined, 2])
  assert.equal(await cache.get('key'), 'of the cache')
})

test('iterates over more than it looks for at once, in its namespace', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.set('other', 1)
  const keyv = new Keyv({ store: new KeyvStore(cache), namespace: 'all' })
  const keys = Array.from({ length: 2_500 }, (_, index) => `key ${index}`)
  await keyv.setMany(keys.map((key) => ({ key, value: key })))
  const found: string[] = []
  for await (const [key, value] of keyv.iterator()) {
    assert.equal(value, key)
    found.push(key)
  }
  assert.deepEqual(found.sort(), keys.sort())
})

test('a storage that fails is a miss; a key that is too long is an error of Keyv', async () => {
  await using context = await cacheForTest()
  const keyv = new Keyv({ store: new KeyvStore(context.cache) })
  const errors: string[] = []
  keyv.on('error', (error: { code: string }) => errors.push(error.code))
  await keyv.set('a', 1)
  await keyv.set('x'.repeat(2_000), 1)
  assert.deepEqual(errors, ['HANDCAR_CACHE_KEY'])
  await context.database.stop()
  assert.equal(await keyv.get('b'), undefined)
  assert.equal(await keyv.set('b', 1), true)
  await keyv.disconnect()
  assert.equal(errors.length, 1)
})

test('a cache that was forgotten is said so', async () => {
  assert.equal(await codeOf(() => new KeyvStore(undefined as never)), 'HANDCAR_OPTION_INVALID')
})
