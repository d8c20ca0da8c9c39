import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { Lock } from './lock.ts'
import type { LockOptions } from './locks.ts'

const stores = ['cache', 'app'] as const

for (const store of stores) {
  test(`${store}: one holds a lock at a time, and tokens increase`, async () => {
    await using context = await cacheForTest()
    const { cache } = context
    const first = await cache.lock('a', { store })
    assert.ok(first)
    assert.equal(first.key, 'a')
    assert.equal(first.isHeld, true)
    assert.equal(await cache.lock('a', { store }), undefined)
    const other = await cache.lock('b', { store })
    assert.ok(other!.token > first.token)
    assert.equal(await first.release(), true)
    assert.equal(await first.release(), true)
    assert.equal(first.isHeld, false)
    assert.equal(first.signal.aborted, false)
    {
      await using second = await cache.lock('a', { store })
      assert.ok(second!.token > other!.token)
    }
    assert.ok(await cache.lock('a', { store }))
  })

  test(`${store}: a ttl ends it for everybody at the same moment`, async () => {
    await using context = await cacheForTest()
    const { cache, clock } = context
    const lock = (await cache.lock('a', { ttl: '10s', store }))!
    clock.advance(9_999)
    assert.equal(await cache.lock('a', { store }), undefined)
    assert.equal(lock.isHeld, true)
    clock.advance(1)
    assert.equal(lock.isHeld, false)
    assert.equal((lock.signal.reason as { code: string }).code, 'HANDCAR_CACHE_LOCK_LOST')
    const next = (await cache.lock('a', { store }))!
    assert.ok(next.token > lock.token)
    assert.equal(await lock.extend(), false)
    assert.equal(await lock.release(), false)
    assert.equal(next.isHeld, true)
  })

  test(`${store}: it can be extended while it is held`, async () => {
    await using context = await cacheForTest()
    const { cache, clock } = context
    const lock = (await cache.lock('a', { ttl: '10s', store }))!
    clock.advance(6_000)
    assert.equal(await lock.extend(), true)
    clock.advance(6_000)
    assert.equal(lock.isHeld, true)
    assert.equal(await lock.extend('1h'), true)
    clock.advance(3_599_999)
    assert.equal(lock.isHeld, true)
    assert.equal(await lock.extend(null), true)
    clock.advance(1e9)
    assert.deepEqual(
      [lock.isHeld, lock.signal.aborted, await cache.lock('a', { store })],
      [true, false, undefined],
    )
  })

  test(`${store}: those who wait get it in their order`, async () => {
    await using context = await cacheForTest()
    const { cache } = context
    const order: number[] = []
    let holders = 0
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await using lock = await cache.lock('a', { wait: '30s', store })
        assert.ok(lock)
        assert.equal(++holders, 1)
        order.push(index)
        await new Promise((resolve) => setImmediate(resolve))
        holders--
      }),
    )
    assert.deepEqual(
      order,
      [...order].sort((one, other) => one - other),
    )
  })

  test(`${store}: waiting ends with its time, its signal, and the cache`, async () => {
    await using context = await cacheForTest()
    const { cache, clock } = context
    const lock = (await cache.lock('a', { ttl: '1m', store }))!
    assert.equal(await cache.lock('a', { wait: 40, store }), undefined)
    const controller = new AbortController()
    const aborted = cache.lock('a', { wait: '1h', signal: controller.signal, store })
    const behind = cache.lock('a', { wait: 60, store })
    controller.abort(new Error('enough'))
    await assert.rejects(aborted, /enough/)
    await assert.rejects(cache.lock('a', { signal: controller.signal, store }), /enough/)
    assert.equal(await behind, undefined)
    const waiting = cache.lock('a', { wait: '1h', store })
    clock.advance(60_000)
    const next = (await waiting)!
    assert.ok(next.token > lock.token)
    const last = cache.lock('a', { wait: '1h', store })
    await cache.stop()
    assert.equal(await last, undefined)
    assert.equal(next.signal.aborted, true)
    await cache.start()
    assert.ok(await cache.lock('a', { store }))
  })
}

test('in the app it is taken and let go with the transaction', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  const failed = app.write(async () => {
    const lock = (await cache.lock('a', { store: 'app' }))!
    assert.equal(lock.isHeld, true)
    assert.equal(await cache.lock('a', { store: 'app' }), undefined)
    throw new Error('no')
  })
  await assert.rejects(failed, /no/)
  const lock = await app.write(() => cache.lock('a', { store: 'app' }))
  assert.equal(lock!.isHeld, true)
  const kept = app.write(async () => {
    await lock!.release()
    throw new Error('no')
  })
  await assert.rejects(kept, /no/)
  assert.equal(await cache.lock('a', { store: 'app' }), undefined)
  assert.equal(lock!.isHeld, true)
  assert.equal(await lock!.release(), true)
  assert.ok(await cache.lock('a', { store: 'app' }))
})

test('a lock that was rolled back is not that of whoever took it next, in whatever process', async () => {
  using folder = temporaryFolder()
  const appPath = folder.file('app.sqlite3')
  await using one = await cacheForTest({ path: folder.file('one.sqlite3'), appPath })
  await using other = await cacheForTest({ path: folder.file('other.sqlite3'), appPath })
  for (const { cache } of [one, other]) {
    const { promise, resolve } = Promise.withResolvers<Lock>()
    const failed = one.app.write(async () => {
      resolve((await one.cache.lock('a', { store: 'app' }))!)
      throw new Error('no')
    })
    await assert.rejects(failed, /no/)
    const gone = await promise
    const lock = (await cache.lock('a', { store: 'app' }))!
    assert.equal(gone.isHeld, false)
    assert.equal(await gone.extend(), false)
    assert.equal(await gone.release(), false)
    assert.equal(lock.isHeld, true)
    assert.equal(await lock.release(), true)
  }
})

test('what was let go while nothing could be written is free as soon as that works', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  const lock = (await cache.lock('a'))!
  await database.write((tx) => {
    tx.run(`create trigger full before delete on handcar_cache_locks
      begin select raise(abort, 'database or disk is full'); end`)
  })
  assert.equal(await lock.release(), false)
  await database.write((tx) => tx.run('drop trigger full'))
  assert.ok(await cache.lock('a', { wait: '30s' }))
})

test('two caches of one process, and the same app, know of each other', async () => {
  using folder = temporaryFolder()
  const appPath = folder.file('app.sqlite3')
  await using one = await cacheForTest({ path: folder.file('one.sqlite3'), appPath })
  await using other = await cacheForTest({ path: folder.file('other.sqlite3'), appPath })
  const lock = (await one.cache.lock('a', { store: 'app' }))!
  assert.equal(await other.cache.lock('a', { store: 'app' }), undefined)
  const waiting = other.cache.lock('a', { store: 'app', wait: '30s' })
  await lock.release()
  const next = await waiting
  assert.ok(next!.token > lock.token)
})

test('a file that is lost takes its locks along, but no token comes twice', async () => {
  await using context = await cacheForTest()
  const { cache, database, clock } = context
  const lock = (await cache.lock('a'))!
  clock.advance(1)
  await database.write((tx) => {
    tx.run('delete from handcar_cache_locks')
    tx.run('delete from handcar_cache_tokens')
  })
  assert.equal(lock.isHeld, false)
  const next = (await cache.lock('a'))!
  assert.ok(next.token > lock.token)
  assert.equal(await lock.extend(), false)
  assert.equal(lock.signal.aborted, true)
})

test('while the storage fails nobody gets a lock', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  const lock = (await cache.lock('a'))!
  await database.stop()
  assert.equal(await cache.lock('b'), undefined)
  assert.equal(await cache.lock('b', { wait: 30 }), undefined)
  assert.equal(lock.isHeld, false)
  assert.equal(await lock.extend(), false)
  assert.equal(await lock.release(), false)
})

test('wrong options are refused', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  const wrong: Record<string, unknown> = {
    'ttl 0': { ttl: 0 },
    'ttl -1': { ttl: -1 },
    'ttl NaN': { ttl: Number.NaN },
    wait: { wait: 'long' },
    signal: { signal: 1 },
    store: { store: 'x' },
  }
  for (const [name, options] of Object.entries(wrong))
    assert.equal(await codeOf(() => cache.lock('a', options as LockOptions)), 'HANDCAR_OPTION_INVALID', name)
  assert.equal(await codeOf(() => cache.lock('')), 'HANDCAR_CACHE_KEY')
  const inside = app.write(() => cache.lock('a', { store: 'app', wait: '1s' }))
  assert.match((await errorOf(() => inside)).message, /none inside a transaction/)
  const lock = (await cache.lock('a'))!
  assert.equal(await codeOf(() => lock.extend(-1)), 'HANDCAR_OPTION_INVALID')
  await waitUntil('it is still held', () => lock.isHeld)
})
