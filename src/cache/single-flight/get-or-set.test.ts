import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { FactoryContext } from '../index.ts'

/** A factory that is finished by hand. */
function byHand<Value>() {
  const calls: {
    context: FactoryContext
    resolve: (value: Value) => void
    reject: (error: Error) => void
  }[] = []
  const factory = (context: FactoryContext) =>
    new Promise<Value>((resolve, reject) => void calls.push({ context, resolve, reject }))
  const called = (times: number) =>
    waitUntil(`the factory was called ${times} times`, () => calls.length === times)
  return { factory, calls, called }
}

test('many callers, one factory; each gets a value of its own', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const { factory, calls, called } = byHand<{ list: number[] }>()
  const callers = Array.from({ length: 100 }, () => cache.getOrSet('key', factory))
  await called(1)
  calls[0]!.resolve({ list: [] })
  const values = await Promise.all(callers)
  assert.equal(new Set(values).size, 100)
  values.forEach(({ list }) => list.push(1))
  assert.deepEqual(await cache.get('key'), { list: [] })
  assert.deepEqual(await cache.getOrSet('key', factory), { list: [] })
  assert.equal(calls.length, 1)
})

test('two caches on one file: one factory at a time, and the other one gets its value', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path })
  await using other = await cacheForTest({ path })
  const { factory, calls, called } = byHand<number>()
  const first = one.cache.getOrSet('key', factory)
  await called(1)
  const second = other.cache.getOrSet('key', factory)
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.equal(calls.length, 1)
  calls[0]!.resolve(7)
  assert.deepEqual(await Promise.all([first, second]), [7, 7])
  // A factory that fails gives its place to the next one.
  const third = one.cache.getOrSet('failing', factory)
  await called(2)
  const fourth = other.cache.getOrSet('failing', factory)
  calls[1]!.reject(new Error('no'))
  await assert.rejects(third, /no/)
  await called(3)
  calls[2]!.resolve(8)
  assert.equal(await fourth, 8)
})

test('a factory that throws throws to all who wait, and is called again by the next', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  let calls = 0
  const fail = () => {
    calls++
    throw new RangeError('no')
  }
  const all = await Promise.allSettled([1, 2, 3].map(() => cache.getOrSet('key', fail)))
  assert.deepEqual(
    all.map((each) => (each as PromiseRejectedResult).reason instanceof RangeError),
    [true, true, true],
  )
  assert.equal(calls, 1)
  await assert.rejects(cache.getOrSet('key', fail), RangeError)
  assert.equal(calls, 2)
  assert.equal(context.database.get('select 1 from handcar_cache_leases'), undefined)
})

test('grace: when the factory fails, what is stale counts for some time', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  let calls = 0
  const options = { ttl: '1s', grace: '1m', graceBackoff: '10s' } as const
  const fail = () => {
    calls++
    throw new Error('no')
  }
  await cache.getOrSet('key', options, () => 'old')
  clock.advance(1_000)
  assert.equal(await cache.get('key'), undefined)
  assert.equal(await cache.getOrSet('key', options, fail), 'old')
  assert.equal(await cache.getOrSet('key', options, fail), 'old')
  assert.equal(calls, 1)
  clock.advance(10_000)
  assert.equal(await cache.getOrSet('key', options, fail), 'old')
  assert.equal(calls, 2)
  clock.advance(60_000)
  await assert.rejects(cache.getOrSet('key', options, fail), /no/)
  assert.equal(await cache.getOrSet('key', options, () => 'new'), 'new')
})

test('grace: what was invalidated is not fallen back to', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const options = { ttl: '1s', grace: '1m', tags: ['x'] } as const
  await cache.getOrSet('key', options, () => 'old')
  clock.advance(1_000)
  await cache.invalidate('x')
  await assert.rejects(
    cache.getOrSet('key', options, () => {
      throw new Error('no')
    }),
    /no/,
  )
})

test('staleWhileRevalidate: what is stale comes at once, and a new one is made behind it', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const { factory, calls, called } = byHand<string>()
  const options = { ttl: '1s', staleWhileRevalidate: '10s' } as const
  await cache.getOrSet('key', options, () => 'old')
  clock.advance(1_000)
  assert.equal(await cache.getOrSet('key', options, factory), 'old')
  assert.equal(await cache.getOrSet('key', options, factory), 'old')
  await called(1)
  assert.deepEqual(calls[0]!.context.stale, { value: 'old' })
  calls[0]!.resolve('new')
  await waitUntil('the new one is there', async () => (await cache.get('key')) === 'new')
})

test('softTimeout: who has waited for long enough gets what is stale', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const { factory, calls, called } = byHand<string>()
  const options = { ttl: '1s', grace: '1m', softTimeout: 100 } as const
  await cache.getOrSet('key', options, () => 'old')
  clock.advance(1_000)
  const waiting = cache.getOrSet('key', options, factory)
  await called(1)
  clock.advance(100)
  assert.equal(await waiting, 'old')
  calls[0]!.resolve('new')
  await waitUntil('the new one is there', async () => (await cache.get('key')) === 'new')
})

test('hardTimeout: nobody waits any longer, and the factory is told', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const { factory, calls, called } = byHand<string>()
  const waiting = cache.getOrSet('key', { hardTimeout: 100 }, factory)
  await called(1)
  const code = codeOf(() => waiting)
  clock.advance(100)
  assert.equal(await code, 'HANDCAR_CACHE_TIMEOUT')
  assert.equal(calls[0]!.context.signal.aborted, true)
  calls[0]!.resolve('late')
  assert.equal(await cache.getOrSet('key', () => 'next'), 'next')
  assert.equal(await cache.get('key'), 'next')
})

test('a factory that asks for its own key is refused, directly and around a corner', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const direct = cache.getOrSet('a', () => cache.getOrSet('a', () => 1))
  assert.equal(await codeOf(() => direct), 'HANDCAR_CACHE_DEADLOCK')
  const around = cache.getOrSet('a', () => cache.getOrSet('b', () => cache.getOrSet('a', () => 1)))
  assert.equal(await codeOf(() => around), 'HANDCAR_CACHE_DEADLOCK')
  const crossed = await Promise.allSettled([
    cache.getOrSet('a', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return cache.getOrSet('b', () => 1)
    }),
    cache.getOrSet('b', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return cache.getOrSet('a', () => 1)
    }),
  ])
  assert.ok(crossed.some(({ status }) => status === 'rejected'))
  assert.equal(await cache.getOrSet('a', () => cache.getOrSet('b', () => 2)), 2)
})

test('a ttl of 0: made each time, an older one is over, and grace falls back to it', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  await cache.set('key', 'old')
  const options = { ttl: 0, forceFresh: true } as const
  assert.equal(await cache.getOrSet('key', options, () => 'new'), 'new')
  assert.equal(await cache.get('key'), undefined)
  await cache.getOrSet('none', { ttl: 0 }, () => 'made')
  assert.equal(database.get("select 1 from handcar_cache_entries where key = 'none'"), undefined)
  const graceful = { ttl: 0, grace: '1m' } as const
  assert.equal(await cache.getOrSet('graceful', graceful, () => 'made'), 'made')
  const failed = cache.getOrSet('graceful', graceful, () => {
    throw new Error('no')
  })
  assert.equal(await failed, 'made')
})

test('what the factory says: ttl, skip, nothing', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  await cache.getOrSet('ttl', { ttl: '1h' }, (c) => {
    c.setTtl('1s')
    return 1
  })
  await cache.getOrSet('nothing', { ttl: '1h', negativeTtl: '1s' }, () => null)
  await cache.getOrSet('something', { ttl: '1h', negativeTtl: '1s' }, () => 0)
  await cache.getOrSet('skipped', { ttl: '1h' }, (c) => {
    c.skip()
    return 1
  })
  assert.equal(await cache.has('skipped'), false)
  assert.equal(await cache.has('nothing'), true)
  clock.advance(1_000)
  assert.equal(await cache.has('ttl'), false)
  assert.equal(await cache.has('nothing'), false)
  assert.equal(await cache.has('something'), true)
})

test('forceFresh makes a new one, earlyRefresh some time before the end', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  await cache.set('key', 'old', { ttl: '1h' })
  assert.equal(await cache.getOrSet('key', () => 'new'), 'old')
  assert.equal(await cache.getOrSet('key', { forceFresh: true, ttl: '1h' }, () => 'new'), 'new')
  assert.equal(await cache.get('key'), 'new')
  clock.advance(3_599_999)
  assert.equal(await cache.getOrSet('key', { earlyRefresh: 1e9, ttl: '1h' }, () => 'early'), 'new')
  await waitUntil('the early one is there', async () => (await cache.get('key')) === 'early')
})

test('a value that is too large, or cannot be cloned', async () => {
  await using context = await cacheForTest({ maxValue: '1kb' })
  const { cache, database } = context
  const large = 'x'.repeat(2_000)
  const both = await Promise.all([cache.getOrSet('key', () => large), cache.getOrSet('key', () => large)])
  assert.deepEqual(both, [large, large])
  assert.equal(await cache.has('key'), false)
  const bytes = await Promise.all([1, 2].map(() => cache.getOrSet('key', () => Buffer.alloc(2_000))))
  assert.ok(bytes.every((each) => Buffer.isBuffer(each)))
  let fills = 0
  const count = (): void => void fills++
  subscribe('handcar.cache.fill', count)
  const uncloneable = cache.getOrSet('key', () => () => {})
  assert.equal(await codeOf(() => uncloneable), 'HANDCAR_CACHE_VALUE')
  unsubscribe('handcar.cache.fill', count)
  assert.equal(fills, 1)
  assert.equal(database.get('select 1 from handcar_cache_leases'), undefined)
})

test('a value that this process cannot read is made anew, also when another one has just made it', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path, encryption: { keys: [Buffer.alloc(32, 1)] } })
  const { clock } = one
  await using other = await cacheForTest({ path, clock, encryption: { keys: [Buffer.alloc(32, 2)] } })
  const { factory, calls, called } = byHand<string>()
  const first = one.cache.getOrSet('key', factory)
  await called(1)
  const second = other.cache.getOrSet('key', () => 'other')
  await new Promise((resolve) => setTimeout(resolve, 40))
  calls[0]!.resolve('one')
  assert.deepEqual(await Promise.all([first, second]), ['one', 'other'])
  // Nor is it what stands in when the soft time-out is over.
  const options = { ttl: '1s', grace: '1m', softTimeout: 10 } as const
  await one.cache.getOrSet('stale', options, () => 'one')
  clock.advance(1_000)
  const third = other.cache.getOrSet('stale', options, factory)
  await called(2)
  clock.advance(10)
  calls[1]!.resolve('other')
  assert.equal(await third, 'other')
})

test('what was invalidated does not stand in when the soft time-out is over', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const { factory, calls, called } = byHand<string>()
  const options = { ttl: '1s', grace: '1m', softTimeout: 100, tags: ['x'] } as const
  await cache.getOrSet('key', options, () => 'old')
  clock.advance(1_000)
  const waiting = cache.getOrSet('key', options, factory)
  await called(1)
  await cache.invalidate('x')
  clock.advance(100)
  calls[0]!.resolve('new')
  assert.equal(await waiting, 'new')
})

test('stop() waits for factories, then aborts them', async () => {
  const context = await cacheForTest()
  const { cache } = context
  const { factory, calls, called } = byHand<string>()
  const waiting = cache.getOrSet('key', factory)
  await called(1)
  const code = codeOf(() => waiting)
  await cache.stop({ timeout: 20 })
  assert.equal(await code, 'HANDCAR_STOPPED')
  assert.equal(calls[0]!.context.signal.aborted, true)
  await context[Symbol.asyncDispose]()
})

test('events and statistics tell of hits, misses, factories and evictions', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const heard: unknown[] = []
  const listen = (message: unknown, name: string | symbol): void => {
    const { duration: _, ...rest } = message as { duration?: number }
    heard.push({ event: String(name).split('.')[2], ...rest })
  }
  const names = ['read', 'fill', 'evict', 'error'].map((name) => `handcar.cache.${name}`)
  for (const name of names) subscribe(name, listen)
  await cache.getOrSet('key', { ttl: '1s' }, () => 1)
  await cache.namespace('n').get('key')
  await cache.get('key')
  await cache.get('key')
  clock.advance(2_000)
  await waitUntil('it was swept', () => heard.length === 6)
  for (const name of names) unsubscribe(name, listen)
  assert.deepEqual(heard, [
    { event: 'read', namespace: '', key: 'key', from: undefined },
    { event: 'fill', namespace: '', key: 'key', error: undefined },
    { event: 'read', namespace: 'n', key: 'key', from: undefined },
    { event: 'read', namespace: '', key: 'key', from: 'file' },
    { event: 'read', namespace: '', key: 'key', from: 'memory' },
    { event: 'evict', cause: 'expired', entries: 1 },
  ])
  const { hits, misses, ratio, entries, evictions, errors, isOn, memory, slowest } = cache.stats()
  assert.deepEqual(
    { hits, misses, ratio, entries, evictions, errors, isOn, memory: memory?.hits, slowest: slowest[0]!.key },
    {
      hits: 2,
      misses: 2,
      ratio: 0.5,
      entries: 0,
      evictions: { room: 0, expired: 1, cleared: 0 },
      errors: 0,
      isOn: true,
      memory: 1,
      slowest: 'key',
    },
  )
})
