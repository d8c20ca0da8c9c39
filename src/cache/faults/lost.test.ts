import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'

/** Makes all writes of entries fail. */
const refuse =
  "create trigger refuse before insert on handcar_cache_entries begin select raise(rollback, 'no'); end"

test('what could not be replaced is never served, also right after writing works again', async () => {
  using folder = temporaryFolder()
  await using context = await cacheForTest({ path: folder.file('cache.sqlite3'), maxEntries: 100 })
  const { cache, database } = context
  await cache.set('key', 'old')
  await database.run(refuse)
  await cache.set('key', 'new')
  assert.equal(await cache.get('key'), undefined)
  await database.run('drop trigger refuse')
  await cache.set('other', 1)
  assert.equal(await cache.get('key'), undefined)
  await cache.set('key', 'newer')
  assert.equal(await cache.get('key'), 'newer')
  assert.deepEqual(database.get('select entries from handcar_cache_state'), { entries: 2 })
})

test('more writes fail than can be remembered: nothing counts any more, until writing works', async () => {
  using folder = temporaryFolder()
  await using context = await cacheForTest({ path: folder.file('cache.sqlite3') })
  const { cache, database } = context
  await cache.set('key', 'old')
  await database.run(refuse)
  await cache.setMany(Array.from({ length: 10_001 }, (_, index) => [`key:${index}`, 1] as const))
  assert.equal(cache.stats().isOn, false)
  assert.equal(await cache.get('key'), undefined)
  await database.run('drop trigger refuse')
  await cache.set('after', 1)
  assert.equal(await cache.get('after'), 1)
  assert.equal(await cache.get('key'), undefined)
  assert.equal(cache.stats().isOn, true)
  await waitUntil('what was cleared is gone', () => cache.stats().entries === 1)
})
