import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest, type CacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { sql } from '../../database/index.ts'

test('an invalidation ends what has the tag, and nothing else', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.set('a', 1, { tags: ['x'] })
  await cache.set('b', 2, { tags: ['x', 'y'] })
  await cache.set('c', 3, { tags: ['z'] })
  await cache.set('d', 4)
  const read = async () => Object.fromEntries(await cache.getMany(['a', 'b', 'c', 'd']))
  for (let time = 0; time < 3; time++) assert.deepEqual(await read(), { a: 1, b: 2, c: 3, d: 4 })
  await cache.invalidate('y')
  assert.deepEqual(await read(), { a: 1, c: 3, d: 4 })
  await cache.invalidate('x', 'z')
  assert.deepEqual(await read(), { d: 4 })
  await cache.set('a', 5, { tags: ['x'] })
  assert.deepEqual(await read(), { a: 5, d: 4 })
})

test('in a transaction it takes effect at the commit, and not at all when that is rolled back', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  await cache.set('a', 1, { tags: ['x'] })
  assert.equal(await cache.get('a'), 1)
  await app.write(async () => {
    await cache.invalidate('x')
    // The transaction sees what it has done; what it stores now belongs to it.
    assert.equal(await cache.get('a'), undefined)
  })
  assert.equal(await cache.get('a'), undefined)
  await cache.set('a', 2, { tags: ['x'] })
  const failed = app.write(async () => {
    await cache.invalidate('x')
    void cache.set('b', 1, { tags: ['x'] })
    throw new Error('no')
  })
  await assert.rejects(failed, /no/)
  assert.equal(await cache.get('a'), 2)
  // What was stored with the version that was rolled back never counts, whatever comes after.
  assert.equal(await cache.get('b'), undefined)
  await cache.invalidate('x')
  assert.equal(await cache.get('a'), undefined)
  assert.equal(await cache.get('b'), undefined)
})

test('a tag that is refused rolls the transaction back', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  await app.run('create table t (a) strict'.replace('a)', 'a integer)'))
  const failed = app.write((tx) => {
    tx.run(sql`insert into t values (1)`)
    void cache.invalidate('')
  })
  assert.equal(await codeOf(() => failed), 'HANDCAR_CACHE_TAG')
  assert.equal(app.get<{ n: number }>('select count(*) as n from t')!.n, 0)
})

test('a database that was restored from a backup does not bring values back that came after it', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  await cache.invalidate('x')
  const backup = app.all<{ tag: string; version: number; changed: number }>(
    'select * from handcar_cache_tags',
  )
  await cache.invalidate('x')
  await cache.set('later', 1, { tags: ['x'] })
  await app.write((tx) => {
    for (const { tag, version, changed } of backup)
      tx.run('update handcar_cache_tags set version = ?, changed = ? where tag = ?', [version, changed, tag])
    tx.touch('handcar.cache.tags')
  })
  assert.equal(await cache.get('later'), undefined)
  await cache.invalidate('x')
  assert.equal(await cache.get('later'), undefined)
})

test('without an app the versions are in the file of the cache', async () => {
  const { Cache } = await import('../index.ts')
  const { Database } = await import('../../database/index.ts')
  await using cache = new Cache({ database: new Database(Cache.databaseOptions(':memory:')) })
  await cache.start()
  await cache.set('a', 1, { tags: ['x'] })
  assert.equal(await cache.get('a'), 1)
  await cache.invalidate('x')
  assert.equal(await cache.get('a'), undefined)
})

/**
 * The race of a slow reader: it looks for a value, reads the row, and stores what it has made of it, while a writer changes the row and
 * invalidates. Every order of the steps of both is tried, on two caches with connections of their own. Whatever the order, after the
 * invalidation nobody gets what was made of the old row.
 */
const readerSteps = ['begin', 'read', 'store'] as const
const writerSteps = ['write', 'commit'] as const

function interleavings(one: readonly string[], other: readonly string[]): string[][] {
  if (one.length === 0) return [[...other]]
  if (other.length === 0) return [[...one]]
  return [
    ...interleavings(one.slice(1), other).map((rest) => [one[0]!, ...rest]),
    ...interleavings(one, other.slice(1)).map((rest) => [other[0]!, ...rest]),
  ]
}

for (const how of ['tag of the options', 'tag set by the factory', 'delete'] as const) {
  for (const order of interleavings(readerSteps, writerSteps)) {
    for (const isRolledBack of how === 'delete' ? [false] : [false, true]) {
      test(`stale set: ${how}, ${order.join(', ')}${isRolledBack ? ', rolled back' : ''}`, async () => {
        using folder = temporaryFolder()
        const paths = { path: folder.file('cache.sqlite3'), appPath: folder.file('app.sqlite3') }
        await using reader = await cacheForTest(paths)
        await using writer = await cacheForTest(paths)
        await raceOnce(reader, writer, how, order, isRolledBack)
      })
    }
  }
}

async function raceOnce(
  reader: CacheForTest,
  writer: CacheForTest,
  how: string,
  order: string[],
  isRolledBack: boolean,
): Promise<void> {
  await writer.app.write((tx) => {
    tx.run('create table posts (title text not null) strict')
    tx.run("insert into posts values ('old')")
  })
  const titleOf = ({ app }: CacheForTest) => app.get<{ title: string }>('select title from posts')!.title
  let begun = false
  let title: string | undefined
  let finish: () => void = () => {}
  let fetched: Promise<string> | undefined
  const steps: Record<string, () => unknown> = {
    begin: async () => {
      fetched = reader.cache.getOrSet(
        'page',
        how === 'tag of the options' ? { tags: ['posts'] } : {},
        async (context) => {
          begun = true
          await new Promise<void>((resolve) => {
            finish = resolve
          })
          if (how === 'tag set by the factory') context.setTags('posts')
          return title!
        },
      )
      await waitUntil('the factory has begun', () => begun)
    },
    read: () => {
      title = titleOf(reader)
    },
    store: async () => {
      finish()
      await fetched
    },
    // The row and the tag change together: nothing of it is seen before the commit.
    write: () => {},
    commit: async () => {
      const written = writer.app.write(async (tx) => {
        tx.run("update posts set title = 'new'")
        if (how !== 'delete') await writer.cache.invalidate('posts')
        if (isRolledBack) throw new Error('no')
      })
      if (isRolledBack) await assert.rejects(written, /no/)
      else await written
      if (how === 'delete') await writer.cache.delete('page')
    },
  }
  for (const step of order) await steps[step]!()
  const expected = isRolledBack ? 'old' : 'new'
  for (const each of [reader, writer]) {
    const cached = await each.cache.get('page')
    assert.ok(cached === undefined || cached === expected, `${String(cached)} is from before the commit`)
    const options = how === 'delete' ? {} : { tags: ['posts'] }
    assert.equal(await each.cache.getOrSet('page', options, () => titleOf(each)), expected)
  }
  // A rollback costs nothing: what was there is still there.
  if (isRolledBack) assert.equal(await writer.cache.get('page'), 'old')
}

test('who comes after an invalidation does not get what a factory makes that began before it', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  let finish: (value: string) => void = () => {}
  const slow = cache.getOrSet(
    'page',
    { tags: ['x'] },
    () => new Promise<string>((resolve) => (finish = resolve)),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  const beside = cache.getOrSet('page', { tags: ['x'] }, () => 'beside')
  await cache.invalidate('x')
  const after = cache.getOrSet('page', { tags: ['x'] }, () => 'new')
  assert.equal(await after, 'new')
  finish('old')
  assert.equal(await slow, 'old')
  assert.equal(await beside, 'new')
  assert.equal(await cache.get('page'), 'new')
})

test('when very many tags were invalidated their rows go, and nothing of before comes back', async () => {
  await using context = await cacheForTest()
  const { cache, app } = context
  await cache.set('never invalidated', 1, { tags: ['x'] })
  await cache.set('invalidated', 1, { tags: ['y'] })
  await cache.invalidate('y')
  await app.write((tx) => {
    tx.run(`
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
      insert into handcar_cache_tags (tag, version, changed) select 'tag:' || i, i, 1 from n`)
    tx.run("update handcar_cache_tags set changed = 999 where tag = ''")
  })
  await cache.set('before', 1, { tags: ['x', 'tag:1'] })
  assert.equal(await cache.get('before'), 1)
  const slow = cache.getOrSet('slow', { tags: ['x'] }, async () => {
    await cache.invalidate('z')
    return 'made before'
  })
  assert.equal(await slow, 'made before')
  assert.deepEqual(app.get('select count(*) as tags from handcar_cache_tags'), { tags: 3 })
  for (const key of ['never invalidated', 'invalidated', 'before', 'slow'])
    assert.equal(await cache.get(key), undefined, key)
  await cache.set('after', 1, { tags: ['x', 'z'] })
  assert.equal(await cache.get('after'), 1)
  await cache.invalidate('x')
  assert.equal(await cache.get('after'), undefined)
})

test('the character that no tag may have', async () => {
  await using context = await cacheForTest()
  assert.equal(await codeOf(() => context.cache.invalidate('\0')), 'HANDCAR_CACHE_TAG')
})
