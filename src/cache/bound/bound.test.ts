import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { Database } from '../../database/index.ts'

const megabyte = 1_024 ** 2

function bytesOf(database: Database): number {
  const value = (name: string) => Object.values(database.get<Record<string, number>>(`pragma ${name}`)!)[0]!
  return (value('page_count') - value('freelist_count')) * value('page_size')
}

for (const [name, sizes] of Object.entries({
  'small values': [100],
  'values of a page': [3_500],
  'large values': [30_000],
  'values of all sizes': [10, 500, 3_000, 5_000, 60_000],
})) {
  test(`the file stays within its bound: ${name}`, async () => {
    await using context = await cacheForTest({ maxBytes: megabyte, maxValue: '100kb' })
    const { cache, database } = context
    let written = 0
    for (let round = 0; ; round++) {
      if (written > 3 * megabyte) break
      const count = Math.max(10, Math.floor(200_000 / sizes.at(-1)!))
      const some = Array.from({ length: count }, (_, index) => {
        const size = sizes[(round + index) % sizes.length]!
        written += size
        return [`key:${round}:${index}`, 'x'.repeat(size)] as const
      })
      await cache.setMany(some)
      assert.ok(bytesOf(database) <= megabyte, `${bytesOf(database)} bytes after ${written}`)
    }
    const stats = cache.stats()
    assert.ok(stats.evictions.room > 0)
    assert.equal(stats.errors, 0)
    assert.ok(stats.bytes > megabyte * 0.6, `only ${stats.bytes} bytes are used`)
  })
}

test('what is used again and again stays, and what was used once goes', async () => {
  await using context = await cacheForTest({ maxBytes: megabyte, memory: false })
  const { cache, clock } = context
  const hot = Array.from({ length: 100 }, (_, index) => `hot:${index}`)
  await cache.setMany(hot.map((key) => [key, 'x'.repeat(1_000)] as const))
  for (let round = 0; round < 100; round++) {
    clock.advance(2_000)
    await cache.setMany(
      Array.from({ length: 30 }, (_, index) => [`cold:${round}:${index}`, 'x'.repeat(1_000)] as const),
    )
    for (const key of hot) await cache.get(key)
  }
  const left = (await cache.getMany(hot)).size
  assert.ok(left >= 90, `${left} of 100 are left`)
})

test('entries that have expired go first', async () => {
  await using context = await cacheForTest({ maxBytes: megabyte })
  const { cache, clock } = context
  const some = (name: string) =>
    Array.from({ length: 300 }, (_, index) => [`${name}:${index}`, 'x'.repeat(1_000)] as const)
  await cache.setMany(some('kept'))
  await cache.setMany(some('expired'), { ttl: '1s' })
  // The sweeper has its timer a second later.
  clock.advance(1_000)
  await cache.setMany(some('new'))
  assert.equal((await cache.getMany(some('kept').map(([key]) => key))).size, 300)
  assert.ok(cache.stats().evictions.expired > 0)
})

test('there are never more entries than maxEntries', async () => {
  await using context = await cacheForTest({ maxEntries: 100 })
  const { cache, database } = context
  const count = () => database.get<{ n: number }>('select count(*) as n from handcar_cache_entries')!.n
  for (let round = 0; round < 30; round++) {
    await Promise.all(Array.from({ length: 37 }, (_, index) => cache.set(`key:${round % 7}:${index}`, index)))
    await cache.increment(`counter:${round}`)
    assert.ok(count() <= 100, `${count()} entries`)
  }
  await cache.deleteMany(await cache.keys({ limit: 50 }))
  await cache.setMany(Array.from({ length: 60 }, (_, index) => [`last:${index}`, 1] as const))
  assert.ok(count() <= 100)
  assert.ok(count() >= 90)
})

test('what has expired is swept when its time comes, and nothing happens before', async () => {
  await using context = await cacheForTest()
  const { cache, database, clock } = context
  const count = () => database.get<{ n: number }>('select count(*) as n from handcar_cache_entries')!.n
  await cache.setMany(
    Array.from({ length: 1_000 }, (_, index) => [`key:${index}`, 1] as const),
    { ttl: '10s' },
  )
  await cache.set('later', 1, { ttl: '1m', grace: '1m' })
  const { batches } = database.stats().writes
  clock.advance(10_900)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(database.stats().writes.batches, batches)
  clock.advance(100)
  await waitUntil('the expired are swept', () => count() === 1)
  clock.advance(60_000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(count(), 1)
  clock.advance(60_000)
  await waitUntil('what had a grace is swept too', () => count() === 0)
  await waitUntil('no timer is left', () => clock.nextTimer === undefined)
})

test('the file shrinks after a clear', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using context = await cacheForTest({ path })
  const { cache, database } = context
  for (let round = 0; round < 10; round++)
    await cache.setMany(
      Array.from({ length: 20 }, (_, index) => [`${round}:${index}`, 'x'.repeat(20_000)] as const),
    )
  const full = bytesOf(database)
  assert.ok(full > 3 * megabyte)
  await cache.clear()
  const size = () => Object.values(database.get<Record<string, number>>('pragma page_count')!)[0]! * 1_024
  await waitUntil('the pages are given back', () => size() < megabyte)
  assert.equal(cache.stats().evictions.cleared, 200)
  await context[Symbol.asyncDispose]()
  assert.ok(statSync(path).size < megabyte)
})

test('what one process has evicted, and another one deletes, is over for both', async () => {
  using folder = temporaryFolder()
  const options = { path: folder.file('cache.sqlite3'), maxEntries: 1 }
  await using one = await cacheForTest(options)
  await using other = await cacheForTest(options)
  await one.cache.set('a', 1)
  assert.equal(await one.cache.get('a'), 1)
  one.clock.advance(1_000)
  await one.cache.set('b', 1)
  // There is nothing to delete in the file, so nobody could hear of it.
  await other.cache.delete('a')
  assert.equal(await one.cache.get('a'), undefined)
})

test('uses of entries that are gone are not written down', async () => {
  await using context = await cacheForTest({ maxBytes: '256kb' })
  const { cache, clock, database } = context
  const keys = Array.from({ length: 200 }, (_, index) => `key:${index}`)
  for (const key of keys) await cache.set(key, 'x'.repeat(1_000))
  for (const key of keys) await cache.get(key)
  await cache.deleteMany(keys.filter((_, index) => index % 4 === 0))
  clock.advance(20_000)
  for (let index = 0; index < 40; index++) await cache.set(`other:${index}`, 'x'.repeat(1_000))
  const known = 'from handcar_cache_uses where id in (select id from handcar_cache_entries)'
  assert.notEqual(database.get(`select 1 ${known}`), undefined)
  assert.equal(database.get(`select 1 ${known.replace(' in ', ' not in ')}`), undefined)
})
