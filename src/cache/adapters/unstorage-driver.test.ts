import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createStorage,
  prefixStorage,
  restoreSnapshot,
  snapshot,
  type Driver,
  type StorageValue,
} from 'unstorage'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { unstorageDriver } from '../index.ts'

/** The tests of unstorage for its drivers are not published; these ask for the same behaviour. */
async function storageForTest() {
  const context = await cacheForTest()
  // It fits the type of the package without importing it.
  const driver: Driver = unstorageDriver(context.cache.namespace('storage'))
  return { ...context, driver, storage: createStorage({ driver }) }
}

test('items of each kind come back', async () => {
  await using context = await storageForTest()
  const { storage } = context
  assert.deepEqual(await storage.getKeys(), [])
  assert.deepEqual([await storage.hasItem('a:b'), await storage.getItem('a:b')], [false, null])
  for (const value of ['text', '', 0, 1.5, true, false, { a: [1, 'x'] }, [null]]) {
    await storage.setItem('a/b', value)
    assert.deepEqual(await storage.getItem('a:b'), value)
    assert.equal(await storage.hasItem('a:b'), true)
  }
  await storage.setItem('json', {
    toJSON: () => ({ made: 'of it' }),
  })
  assert.deepEqual(await storage.getItem('json'), { made: 'of it' })
  await assert.rejects(
    storage.setItem(
      'bad',
      new (class Other {
        readonly x = 1
      })(),
    ),
  )
  await storage.removeItem('a:b')
  assert.deepEqual([await storage.hasItem('a:b'), await storage.getItem('a:b')], [false, null])
})

test('raw items are kept as they are', async () => {
  await using context = await storageForTest()
  const { storage } = context
  await storage.setItemRaw('bytes', Uint8Array.of(0, 255, 128))
  assert.deepEqual(
    new Uint8Array((await storage.getItemRaw<Uint8Array>('bytes'))!),
    Uint8Array.of(0, 255, 128),
  )
  await storage.setItemRaw('map', new Map([[1, new Date(0)]]))
  assert.deepEqual(await storage.getItemRaw('map'), new Map([[1, new Date(0)]]))
  assert.equal(await storage.getItemRaw('none'), null)
})

test('many at once', async () => {
  await using context = await storageForTest()
  const { storage } = context
  await storage.setItems<StorageValue>([
    { key: 't:1', value: 'one' },
    { key: 't:2', value: { two: 2 } },
  ])
  assert.deepEqual(await storage.getItems(['t:1', { key: 't:2' }, 't:none']), [
    { key: 't:1', value: 'one' },
    { key: 't:2', value: { two: 2 } },
    { key: 't:none', value: null },
  ])
})

test('keys by what they begin with and by depth; clear as well', async () => {
  await using context = await storageForTest()
  const { storage, cache, driver } = context
  await cache.set('outside', 1)
  for (const key of ['top', 'a:one', 'a:two', 'a:b:three', 'ab:four']) await storage.setItem(key, key)
  assert.deepEqual((await storage.getKeys()).sort(), ['a:b:three', 'a:one', 'a:two', 'ab:four', 'top'])
  assert.deepEqual((await storage.getKeys('a')).sort(), ['a:b:three', 'a:one', 'a:two'])
  assert.deepEqual(await storage.getKeys(undefined, { maxDepth: 0 }), ['top'])
  assert.deepEqual((await storage.getKeys('a', { maxDepth: 1 })).sort(), ['a:one', 'a:two'])
  // What unstorage clears by a prefix are mounts; a driver can do it for keys.
  await driver.clear!('a:', {})
  assert.deepEqual((await storage.getKeys()).sort(), ['ab:four', 'top'])
  await storage.clear()
  await storage.clear()
  assert.deepEqual(await storage.getKeys(), [])
  assert.equal(await cache.get('outside'), 1)
})

test('more keys than are looked for at once', async () => {
  await using context = await storageForTest()
  const { storage, driver } = context
  const keys = Array.from({ length: 2_300 }, (_, index) => `many:${index}`)
  await storage.setItems(keys.map((key) => ({ key, value: key })))
  await storage.setItem('few:1', 1)
  assert.deepEqual((await storage.getKeys('many')).sort(), keys.sort())
  await driver.clear!('many:', {})
  assert.deepEqual(await storage.getKeys(), ['few:1'])
})

test('ttl is in seconds for an item, and a duration for the driver', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const storage = createStorage({ driver: unstorageDriver(cache, { ttl: '10s' }) })
  await storage.setItem('usual', 1)
  await storage.setItem('short', 2, { ttl: 1.5 })
  await storage.setItems([{ key: 'long', value: 3, options: { ttl: 60 } }])
  const read = async () => Promise.all(['usual', 'short', 'long'].map((key) => storage.getItem(key)))
  clock.advance(1_499)
  assert.deepEqual(await read(), [1, 2, 3])
  clock.advance(1)
  assert.deepEqual(await read(), [1, null, 3])
  // As with the other drivers, 0 is no ttl.
  await storage.setItem('usual', 1, { ttl: 0 })
  assert.equal(await storage.getItem('usual'), 1)
  clock.advance(10_000)
  assert.deepEqual(await read(), [null, null, 3])
  assert.equal(await codeOf(() => unstorageDriver(cache, { ttl: 'soon' as never })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => unstorageDriver(cache, { tll: 1 } as never)), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await codeOf(() => unstorageDriver(undefined as never)), 'HANDCAR_OPTION_INVALID')
})

test('mounts, prefixes, snapshots and meta of unstorage work with it', async () => {
  await using context = await storageForTest()
  const { cache, storage } = context
  storage.mount('other', unstorageDriver(cache.namespace('mounted')))
  await storage.setItem('other:key', 'there')
  assert.deepEqual(await cache.namespace('mounted').keys(), ['key'])
  assert.equal(await prefixStorage(storage, 'other').getItem('key'), 'there')
  await restoreSnapshot(storage, { initial: 'works' }, 'base')
  assert.deepEqual(await snapshot(storage, 'base'), { initial: 'works' })
  await storage.setMeta('base:initial', { mtime: new Date(5), by: 'me' })
  assert.deepEqual({ ...(await storage.getMeta('base:initial')) }, { mtime: new Date(5), by: 'me' })
  await storage.removeItem('base:initial', true)
  assert.deepEqual({ ...(await storage.getMeta('base:initial')) }, {})
  await storage.dispose()
})
