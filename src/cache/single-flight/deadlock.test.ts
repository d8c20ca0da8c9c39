import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest, type CacheForTest } from '../../../test/helpers/cache.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'

test(
  'two processes that wait for one another: one of them gets an error, and the other one goes on',
  { timeout: 30_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    await using one = await cacheForTest({ path })
    await using other = await cacheForTest({ path })
    let begun = 0
    let bothBegun: () => void = () => {}
    const both = new Promise<void>((resolve) => (bothBegun = resolve))
    const make = ({ cache }: CacheForTest, key: string, needed: string) =>
      cache.getOrSet(key, async () => {
        if (++begun === 2) bothBegun()
        await both
        return `${key} of ${await cache.getOrSet(needed, () => needed)}`
      })
    const results = await Promise.allSettled([make(one, 'a', 'b'), make(other, 'b', 'a')])
    const errors = results.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as { code: string }] : [],
    )
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['HANDCAR_CACHE_DEADLOCK'],
    )
    for (const table of ['leases', 'waits'])
      assert.equal(one.database.get(`select 1 from handcar_cache_${table}`), undefined)
  },
)

test('waiting for a long time is no deadlock', { timeout: 30_000 }, async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using one = await cacheForTest({ path })
  await using other = await cacheForTest({ path })
  let finish: () => void = () => {}
  const slow = one.cache.getOrSet('b', () => new Promise<string>((resolve) => (finish = () => resolve('b'))))
  const made = other.cache.getOrSet('a', async () => `a of ${await other.cache.getOrSet('b', () => 'never')}`)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  assert.notEqual(one.database.get('select 1 from handcar_cache_waits'), undefined)
  finish()
  assert.deepEqual(await Promise.all([slow, made]), ['b', 'a of b'])
  assert.equal(one.database.get('select 1 from handcar_cache_waits'), undefined)
})
