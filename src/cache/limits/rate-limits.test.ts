import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { sql } from '../../database/index.ts'
import { Cache } from '../index.ts'
import type { RateLimitOptions } from './rate-limits.ts'

const tenPerMinute: RateLimitOptions = { limit: 10, window: '1m' }
const countLimits = 'select count(*) as n from handcar_cache_limits'

test('the limit is allowed, and no more until the window has gone on', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const all = await Promise.all(Array.from({ length: 25 }, () => cache.rateLimit('a', tenPerMinute)))
  assert.deepEqual(
    all.map(({ remaining }) => remaining),
    [9, 8, 7, 6, 5, 4, 3, 2, 1, ...Array<number>(16).fill(0)],
  )
  assert.equal(all.filter(({ allowed }) => allowed).length, 10)
  const refused = all.at(-1)!
  assert.deepEqual(refused, {
    allowed: false,
    limit: 10,
    remaining: 0,
    resetAt: clock.now() + 60_000,
    resetAfter: 60_000,
    retryAfter: 60_000,
  })
  // Others are not concerned, nor are other limits of the same key.
  assert.equal((await cache.rateLimit('b', tenPerMinute)).allowed, true)
  assert.equal((await cache.rateLimit('a', { limit: 100, window: '1h' })).remaining, 99)
  assert.equal((await cache.rateLimit('a', { ...tenPerMinute, algorithm: 'token-bucket' })).remaining, 9)
  clock.advance(59_999)
  assert.equal((await cache.rateLimit('a', tenPerMinute)).allowed, false)
  clock.advance(1)
  assert.equal((await cache.rateLimit('a', { ...tenPerMinute, cost: 10 })).allowed, true)
})

test('what is refused, and a cost of 0, write nothing', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  assert.equal((await cache.rateLimit('a', { ...tenPerMinute, cost: 0 })).remaining, 10)
  await cache.rateLimit('a', { ...tenPerMinute, cost: 8 })
  const before = database.get('select * from handcar_cache_limits')
  const queued = database.writesQueued
  assert.equal((await cache.rateLimit('a', { ...tenPerMinute, cost: 3 })).allowed, false)
  assert.equal((await cache.rateLimit('a', { ...tenPerMinute, cost: 0 })).remaining, 2)
  assert.equal(database.writesQueued, queued)
  assert.deepEqual(database.get('select * from handcar_cache_limits'), before)
})

test('a limit that was lowered or raised counts what was taken', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.rateLimit('a', { ...tenPerMinute, cost: 8 })
  const lower = await cache.rateLimit('a', { limit: 5, window: '1m' })
  assert.deepEqual([lower.allowed, lower.remaining], [false, 0])
  assert.equal((await cache.rateLimit('a', { limit: 200, window: '1m' })).remaining, 191)
  const bucket = { window: '1m', algorithm: 'token-bucket' } as const
  await cache.rateLimit('a', { ...bucket, limit: 100, cost: 100 })
  const { allowed, retryAfter, resetAfter } = await cache.rateLimit('a', { ...bucket, limit: 5 })
  assert.deepEqual([allowed, retryAfter, resetAfter], [false, 12_000, 60_000])
})

test('a reset gives all of it back', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.rateLimit('a', { ...tenPerMinute, cost: 10 })
  await cache.rateLimit('b', { ...tenPerMinute, cost: 10 })
  await cache.resetRateLimit('a')
  assert.equal((await cache.rateLimit('a', tenPerMinute)).remaining, 9)
  assert.equal((await cache.rateLimit('b', tenPerMinute)).allowed, false)
  await cache.clear()
  assert.equal((await cache.rateLimit('b', tenPerMinute)).allowed, false)
})

test('in the app it is part of the transaction', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  await app.run('create table orders (id integer primary key) strict')
  const options: RateLimitOptions = { limit: 2, window: '1h', store: 'app' }
  const order = () =>
    app.write(async (tx) => {
      tx.run(sql`insert into orders default values`)
      const { allowed } = await cache.rateLimit('orders', options)
      if (!allowed) throw new Error('too many')
    })
  const results = await Promise.allSettled(Array.from({ length: 5 }, order))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
  assert.deepEqual(app.get('select count(*) as n from orders'), { n: 2 })
  await cache.resetRateLimit('orders', { store: 'app' })
  const failed = app.write(async () => {
    assert.equal((await cache.rateLimit('orders', { ...options, cost: 2 })).remaining, 0)
    assert.equal((await cache.rateLimit('orders', options)).allowed, false)
    throw new Error('no')
  })
  await assert.rejects(failed, /no/)
  assert.equal((await cache.rateLimit('orders', { ...options, cost: 0 })).remaining, 2)
})

test('limits that are over are swept away by new ones', async () => {
  await using context = await cacheForTest()
  const { cache, clock, database } = context
  for (let round = 0; round < 5; round++) {
    const keys = Array.from({ length: 200 }, (_, index) => `${round}:${index}`)
    await Promise.all(keys.map((key) => cache.rateLimit(key, { limit: 5, window: '1s' })))
    clock.advance(2_000)
  }
  const { n } = database.get<{ n: number }>(countLimits)!
  assert.ok(n <= 400, `${n} limits are left`)
})

test('limits that are over are swept away when nothing else happens, and then nothing is written', async () => {
  await using context = await cacheForTest()
  const { cache, clock, database } = context
  await cache.rateLimit('a', { limit: 5, window: '1s' })
  await cache.rateLimit('b', { limit: 5, window: '1m' })
  const left = () => database.get<{ n: number }>(countLimits)!.n
  clock.advance(10_000)
  await waitUntil('the first is swept away', () => left() === 1)
  await waitUntil('the second is waited for', () => clock.nextTimer !== undefined)
  clock.advance(200_000)
  await waitUntil('the second is swept away', () => left() === 0)
})

test('limits of many keys do not fill more than the cache may', async () => {
  const maxBytes = 512 * 1_024
  await using context = await cacheForTest({ maxBytes })
  const { cache, clock, database } = context
  for (let round = 0; round < 20; round++) {
    clock.advance(10)
    await cache.set(`entry:${round}`, 'x'.repeat(10_000))
    const keys = Array.from({ length: 1_000 }, (_, index) => `a key of some length ${round}:${index}`)
    await Promise.all(keys.map((key) => cache.rateLimit(key, { limit: 5, window: '1h' })))
  }
  const pages = Object.values(database.get<Record<string, number>>('pragma page_count')!)[0]!
  const free = Object.values(database.get<Record<string, number>>('pragma freelist_count')!)[0]!
  const bytes = (pages - free) * 1_024
  assert.ok(bytes < maxBytes * 1.5, `${bytes} bytes`)
  // The last ones are known.
  assert.equal(
    (await cache.rateLimit('a key of some length 19:999', { limit: 5, window: '1h' })).remaining,
    3,
  )
})

test('the end of a limit is written down once in a window, and never too early', async () => {
  await using context = await cacheForTest()
  const { cache, clock, database } = context
  const ends = new Set<unknown>()
  for (let time = 0; time < 100; time++) {
    const { resetAt } = await cache.rateLimit('a', { limit: 50, window: '1s' })
    const row = database.get<{ ends_at: number }>('select ends_at from handcar_cache_limits')!
    assert.ok(row.ends_at >= resetAt)
    ends.add(row.ends_at)
    clock.advance(100)
  }
  assert.ok(ends.size <= 11)
})

test('while the storage fails the process counts for itself', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  await database.stop()
  const all = await Promise.all(Array.from({ length: 25 }, () => cache.rateLimit('a', tenPerMinute)))
  assert.equal(all.filter(({ allowed }) => allowed).length, 10)
  await cache.rateLimit('b', { ...tenPerMinute, cost: 10 })
  await cache.resetRateLimit('b')
  assert.equal((await cache.rateLimit('a', tenPerMinute)).allowed, false)
  assert.equal((await cache.rateLimit('b', tenPerMinute)).allowed, true)
})

test('wrong options are refused', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const wrong: Record<string, unknown> = {
    none: undefined,
    'no limit': { window: '1m' },
    'no window': { limit: 1 },
    'limit 0': { limit: 0, window: '1m' },
    'limit 1.5': { limit: 1.5, window: '1m' },
    'limit NaN': { limit: Number.NaN, window: '1m' },
    'window 0': { limit: 1, window: 0 },
    'window NaN': { limit: 1, window: Number.NaN },
    'window text': { limit: 1, window: 'soon' },
    'cost above the limit': { limit: 1, window: 1, cost: 2 },
    'cost below 0': { limit: 1, window: 1, cost: -1 },
    algorithm: { limit: 1, window: 1, algorithm: 'fixed' },
    store: { limit: 1, window: 1, store: 'redis' },
  }
  for (const [name, options] of Object.entries(wrong)) {
    const code = await codeOf(() => cache.rateLimit('a', options as RateLimitOptions))
    assert.equal(code, 'HANDCAR_OPTION_INVALID', name)
  }
  const unknown = { limit: 1, window: 1, points: 3 } as RateLimitOptions
  assert.equal(await codeOf(() => cache.rateLimit('a', unknown)), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await codeOf(() => cache.rateLimit('', tenPerMinute)), 'HANDCAR_CACHE_KEY')
  for (const options of [null, 'app', { stroe: 'app' }, { store: 'redis' }])
    assert.match(String(await codeOf(() => cache.resetRateLimit('a', options as never))), /^HANDCAR_OPTION_/)
  await using alone = new Cache({ database: context.database })
  await alone.start()
  const inApp: RateLimitOptions = { limit: 1, window: 1, store: 'app' }
  assert.equal(await codeOf(() => alone.rateLimit('a', inApp)), 'HANDCAR_OPTION_INVALID')
})
