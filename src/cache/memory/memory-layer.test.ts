import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'

test('memory holds as much as it may, and what is used again stays', async () => {
  await using context = await cacheForTest({ memory: { maxBytes: '64kb', maxValue: '4kb' } })
  const { cache } = context
  const memory = () => cache.stats().memory!
  const hot = Array.from({ length: 10 }, (_, index) => `hot:${index}`)
  await cache.setMany(hot.map((key) => [key, 'x'.repeat(1_000)] as const))
  await cache.setMany(
    Array.from({ length: 200 }, (_, index) => [`cold:${index}`, 'x'.repeat(1_000)] as const),
  )
  await cache.set('large', 'x'.repeat(5_000))
  for (let time = 0; time < 2; time++) for (const key of hot) await cache.get(key)
  for (let index = 0; index < 200; index++) {
    await cache.get(`cold:${index}`)
    if (index % 10 === 0) for (const key of hot) await cache.get(key)
    assert.ok(memory().bytes <= 64 * 1_024)
  }
  const { entries, hits } = memory()
  assert.ok(entries > 40 && entries < 64, `${entries} entries`)
  for (const key of hot) await cache.get(key)
  assert.equal(memory().hits, hits + hot.length)
  await cache.get('large')
  await cache.get('large')
  assert.equal(memory().hits, hits + hot.length)
  await cache.delete('hot:0')
  assert.equal(await cache.get('hot:0'), undefined)
  await cache.clear()
  assert.equal(await cache.get('hot:1'), undefined)
})

test('what another connection writes is seen at once, and what it left alone stays in memory', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path })
  await using other = await cacheForTest({ path })
  await one.cache.setMany({ a: 1, b: 1 })
  for (const { cache } of [one, other])
    for (const key of ['a', 'b', 'a', 'b']) assert.equal(await cache.get(key), 1)
  await one.cache.set('a', 2)
  const before = other.cache.stats().memory!.hits
  assert.equal(await other.cache.get('a'), 2)
  assert.equal(await other.cache.get('b'), 1)
  assert.equal(other.cache.stats().memory!.hits, before + 1)
  await one.cache.delete('b')
  assert.equal(await other.cache.get('b'), undefined)
  await one.cache.increment('a')
  assert.equal(await other.cache.get('a'), 3)
  await one.cache.clear()
  assert.equal(await other.cache.get('a'), undefined)
  await other.cache.set('a', 4)
  assert.equal(await one.cache.get('a'), 4)
})

test('a loop that never lets the event loop turn sees the writes of others in the end', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path })
  await using other = await cacheForTest({ path })
  await one.cache.set('key', 1)
  assert.equal(await other.cache.get('key'), 1)
  // Writes without the cache, in the middle of a turn.
  const written = one.cache.set('key', 2)
  await written
  let reads = 0
  while ((await other.cache.get('key')) !== 2) assert.ok(reads++ < 1_000)
})
