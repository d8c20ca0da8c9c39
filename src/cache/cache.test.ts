import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../test/helpers/cache.ts'
import { codeOf } from '../../test/helpers/errors.ts'

const values: Record<string, unknown> = {
  text: 'a text',
  'empty text': '',
  'text of all kinds': 'ä €\0 😀 \u{10ffff}',
  'half a surrogate pair': '\ud800',
  number: 17,
  fraction: 0.1,
  'large number': 2 ** 53,
  'negative zero': -0,
  'not a number': NaN,
  infinity: -Infinity,
  true: true,
  null: null,
  undefined: undefined,
  bigint: 12345678901234567890n,
  bytes: Uint8Array.of(1, 2, 3),
  buffer: Buffer.from('bytes'),
  'no bytes': new Uint8Array(0),
  object: { a: [1, { b: null }], c: 'x', d: -1.5, 'ä\0': [] },
  'object with a hole': { a: undefined, b: [1, undefined] },
  date: new Date(5),
  map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1, 'a'])]]),
  error: new RangeError('too much'),
  prototype: JSON.parse('{"__proto__": 1}'),
  'typed array': Float64Array.of(1.5, NaN),
  sparse: Object.assign(Array.from({ length: 0 }), { 2: 3 }),
}

for (const memory of [undefined, false] as const) {
  const where = memory === false ? 'the file' : 'memory'

  test(`values come back as they were, from ${where}`, async () => {
    await using context = await cacheForTest({ ...(memory === false && { memory }) })
    const { cache } = context
    for (const [name, value] of Object.entries(values)) {
      const written = cache.set(name, value)
      assert.deepEqual(await cache.get(name), value, `${name}, before the commit`)
      await written
      for (let time = 1; time < 5; time++)
        assert.deepEqual(await cache.get(name), value, `${name}, read ${time}`)
      assert.equal(await cache.has(name), true)
    }
    const all = await cache.getMany([...Object.keys(values), 'none'])
    assert.deepEqual([...all], Object.entries(values))
  })

  test(`what a caller does to a value changes nobody else's, from ${where}`, async () => {
    await using context = await cacheForTest({ ...(memory === false && { memory }) })
    const { cache } = context
    const bytes = Uint8Array.of(1)
    const object = { list: [1], date: new Date(0) }
    const written = [cache.set('bytes', bytes), cache.set('object', object), cache.set('tree', { list: [1] })]
    bytes[0] = 2
    object.list.push(2)
    for (let time = 0; time < 5; time++) {
      const read = (await cache.get<Uint8Array>('bytes'))!
      const found = (await cache.get<typeof object>('object'))!
      const tree = (await cache.get<{ list: number[] }>('tree'))!
      assert.deepEqual([...read], [1])
      assert.deepEqual(found, { list: [1], date: new Date(0) })
      assert.deepEqual(tree, { list: [1] })
      read[0] = 9
      found.list.push(9)
      found.date.setTime(9)
      tree.list.push(9)
      await Promise.all(written)
    }
  })
}

test('a miss is undefined; has() tells a value that is undefined from none', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  assert.equal(await cache.get('key'), undefined)
  assert.equal(await cache.has('key'), false)
  await cache.set('key', undefined)
  assert.equal(await cache.has('key'), true)
  assert.equal(await cache.delete('key'), true)
  assert.equal(await cache.delete('key'), false)
  assert.equal(await cache.has('key'), false)
})

test('writes of one turn commit together, in their order', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  const before = database.stats().writes.batches
  const results = await Promise.all([
    cache.set('a', 1),
    cache.increment('a'),
    cache.delete('a'),
    cache.setIfAbsent('a', 'new'),
    cache.setIfAbsent('a', 'newer'),
    cache.increment('b', 5),
    cache.decrement('b', 2),
    cache.touch('none', '1s'),
  ])
  assert.deepEqual(results, [undefined, 2, true, true, false, 5, 3, false])
  assert.equal(database.stats().writes.batches, before + 1)
  assert.deepEqual(Object.fromEntries(await cache.getMany(['a', 'b'])), { a: 'new', b: 3 })
})

test('an entry expires to the millisecond, and another ttl moves its end', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  await cache.set('key', 1, { ttl: 500 })
  clock.advance(499)
  assert.equal(await cache.get('key'), 1)
  clock.advance(1)
  assert.equal(await cache.get('key'), undefined)
  assert.equal(await cache.touch('key', '1s'), false)
  await cache.set('key', 2, { ttl: '1s' })
  clock.advance(900)
  assert.equal(await cache.touch('key', '1s'), true)
  clock.advance(900)
  assert.equal(await cache.get('key'), 2)
  assert.equal(await cache.touch('key', null), true)
  clock.advance(1e9)
  assert.equal(await cache.get('key'), 2)
  await cache.set('key', 3, { ttl: 0 })
  assert.equal(await cache.get('key'), undefined)
})

test('a clock that jumps forward expires, one that jumps back does not bring anything back that was removed', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const start = clock.now()
  await cache.set('key', 1, { ttl: '1h' })
  clock.set(start + 3_600_000)
  assert.equal(await cache.get('key'), undefined)
  clock.set(start)
  assert.ok([1, undefined].includes(await cache.get('key')))
  clock.set(start - 1_000_000)
  await cache.set('other', 1, { ttl: '1s' })
  assert.equal(await cache.get('other'), 1)
})

test('counters honour expiry, keep their end, and refuse what is no whole number', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  assert.equal(await cache.increment('n', 1, { ttl: '1s' }), 1)
  clock.advance(600)
  assert.equal(await cache.increment('n', 10, { ttl: '1s' }), 11)
  clock.advance(400)
  assert.equal(await cache.get('n'), undefined)
  assert.equal(await cache.increment('n', 1, { ttl: '1s' }), 1)
  await cache.set('set', 41)
  assert.equal(await cache.increment('set'), 42)
  await cache.set('text', 'x')
  assert.equal(await codeOf(() => cache.increment('text')), 'HANDCAR_CACHE_COUNTER')
  await cache.set('half', 0.5)
  assert.equal(await codeOf(() => cache.increment('half')), 'HANDCAR_CACHE_COUNTER')
  await cache.set('most', Number.MAX_SAFE_INTEGER)
  assert.equal(await codeOf(() => cache.increment('most')), 'HANDCAR_CACHE_COUNTER')
  assert.equal(await cache.get('most'), Number.MAX_SAFE_INTEGER)
  assert.equal(await codeOf(() => cache.increment('n', 0.5)), 'HANDCAR_OPTION_INVALID')
  await cache.set('tagged', 5, { tags: ['t'] })
  assert.equal(await cache.increment('tagged'), 6)
  await cache.invalidate('t')
  assert.equal(await cache.increment('tagged'), 1)
})

test('namespaces have keys of their own, and end with what they are in', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const a = cache.namespace('a')
  const inner = a.namespace('b')
  const other = cache.namespace('ab')
  const all = [cache, a, inner, other]
  const fill = async () => {
    for (const [index, each] of all.entries()) await each.set('key', index)
  }
  const read = () => Promise.all(all.map((each) => each.get('key')))
  await fill()
  assert.deepEqual(await read(), [0, 1, 2, 3])
  await inner.clear()
  assert.deepEqual(await read(), [0, 1, undefined, 3])
  await fill()
  await a.clear()
  assert.deepEqual(await read(), [0, undefined, undefined, 3])
  await fill()
  await cache.clear()
  assert.deepEqual(await read(), [undefined, undefined, undefined, undefined])
  await fill()
  assert.deepEqual(await read(), [0, 1, 2, 3])
  assert.deepEqual(await a.keys(), ['key'])
})

test('what is written after a clear stays, and what was being made before it is not kept', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  await cache.setMany({ a: 1, n: 5 })
  const before = cache.set('before', 1)
  void cache.clear()
  const after = [cache.set('a', 2), cache.increment('n'), cache.delete('before')]
  assert.deepEqual(await Promise.all([before, ...after]), [undefined, undefined, 1, false])
  assert.deepEqual(Object.fromEntries(await cache.getMany(['a', 'n', 'before'])), { a: 2, n: 1 })
  let finish: (value: string) => void = () => {}
  const slow = cache.getOrSet('page', () => new Promise<string>((resolve) => (finish = resolve)))
  await new Promise((resolve) => setTimeout(resolve, 20))
  await cache.clear()
  assert.equal(await cache.getOrSet('page', () => 'new'), 'new')
  finish('old')
  assert.equal(await slow, 'old')
  assert.equal(await cache.get('page'), 'new')
  assert.equal(context.database.get('select 1 from handcar_cache_leases'), undefined)
})

test('keys are listed by prefix, in pages', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const names = Array.from({ length: 250 }, (_, index) => `user:${index}`)
  await cache.setMany([...names, 'other'].map((name) => [name, 1] as const))
  const found: string[] = []
  for (let after: string | undefined; ; after = found.at(-1)) {
    const page = await cache.keys({ prefix: 'user:', limit: 100, ...(after !== undefined && { after }) })
    found.push(...page)
    if (page.length < 100) break
  }
  assert.deepEqual(found.sort(), names.sort())
  await cache.set('user:with a tag', 1, { tags: ['x'] })
  await cache.invalidate('x')
  assert.deepEqual(await cache.keys({ prefix: 'user:with' }), [])
})

test('what is wrong is refused, and says how', async () => {
  await using context = await cacheForTest({ maxValue: '1kb' })
  const { cache } = context
  for (const key of ['', 'x'.repeat(1_025), 'ä'.repeat(513), '\ud800', 5, null, undefined, {}]) {
    for (const call of [
      () => cache.get(key as string),
      () => cache.set(key as string, 1),
      () => cache.delete(key as string),
      () => cache.increment(key as string),
      () => cache.getOrSet(key as string, () => 1),
    ])
      assert.equal(await codeOf(call), 'HANDCAR_CACHE_KEY')
  }
  await cache.set('x'.repeat(1_024), 1)
  for (const ttl of [-1, NaN, Infinity, '5x', '', {}])
    assert.equal(await codeOf(() => cache.set('key', 1, { ttl: ttl as number })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => cache.set('key', 1, { tll: 1 } as object)), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await codeOf(() => cache.set('key', 1, { tags: [''] })), 'HANDCAR_CACHE_TAG')
  assert.equal(await codeOf(() => cache.set('key', 1, { tags: 'posts' as never })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => cache.invalidate('')), 'HANDCAR_CACHE_TAG')
  for (const value of [() => {}, Symbol('x'), { a: () => {} }, new WeakMap()])
    assert.equal(await codeOf(() => cache.set('key', value)), 'HANDCAR_CACHE_VALUE')
  assert.equal(await codeOf(() => cache.set('key', 'x'.repeat(1_025))), 'HANDCAR_CACHE_VALUE_TOO_LARGE')
  assert.equal(await cache.get('key'), undefined)
  assert.equal(await codeOf(async () => cache.namespace('a/b')), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => cache.getOrSet('key', {}, 5 as never)), 'HANDCAR_OPTION_INVALID')
  assert.equal(
    await codeOf(() => cache.getOrSet('key', { tll: 1 } as object, () => 1)),
    'HANDCAR_OPTION_UNKNOWN',
  )
})

test('values are compressed and encrypted, and keys of encryption can be changed', async () => {
  const first = Buffer.alloc(32, 1)
  const second = Buffer.alloc(32, 2).toString('hex')
  await using context = await cacheForTest({ compression: { above: 100 }, encryption: { keys: [first] } })
  const { cache, database } = context
  const secret = { text: 'secret '.repeat(1_000) }
  await cache.set('secret', secret)
  await cache.set('bytes', Buffer.alloc(10_000))
  await cache.set('text', 'secret')
  assert.equal(await cache.increment('counter'), 1)
  assert.equal(await cache.increment('counter'), 2)
  for (let time = 0; time < 3; time++) assert.deepEqual(await cache.get('secret'), secret)
  assert.deepEqual(await cache.get('bytes'), Buffer.alloc(10_000))
  const rows = database.all<{ key: string; value: Buffer }>('select key, value from handcar_cache_entries')
  for (const { key, value } of rows) {
    assert.ok(value.length < 300, `${key} has ${value.length} bytes`)
    assert.equal(value.includes('secret'), false)
  }
  const { Cache } = await import('./index.ts')
  const { recordingLogger } = await import('../../test/helpers/recording-logger.ts')
  const options = { database, logger: recordingLogger(), clock: context.clock }
  await using rotated = new Cache({ ...options, encryption: { keys: [second, first] } })
  await rotated.start()
  assert.deepEqual(await rotated.get('secret'), secret)
  await rotated.set('new', 'x')
  assert.equal(await cache.get('new'), undefined)
  await using without = new Cache({ ...options, memory: false, encryption: { keys: [second] } })
  await without.start()
  assert.equal(await without.get('secret'), undefined)
  assert.equal(await without.get('new'), 'x')
  await using plain = new Cache(options)
  await plain.start()
  assert.equal(await plain.get('new'), undefined)
  assert.equal(plain.stats().errors, 1)
  // A value of one key cannot be put in the place of another's.
  await database.run(
    "update handcar_cache_entries set value = (select value from handcar_cache_entries where key = 'text') where key = 'new'",
  )
  assert.equal(await without.get('new'), undefined)
  for (const keys of [[], ['short'], [Buffer.alloc(31)]])
    assert.equal(await codeOf(() => new Cache({ database, encryption: { keys } })), 'HANDCAR_OPTION_INVALID')
})

test('two keys of one hash: the later one wins, and never a value of the other', async () => {
  await using context = await cacheForTest({ memory: false })
  const { cache, database } = context
  await cache.set('one', 1)
  const { id } = database.get<{ id: number }>('select id from handcar_cache_entries')!
  await database.run("update handcar_cache_entries set key = 'other' where id = ?", [id])
  assert.equal(await cache.get('one'), undefined)
  assert.equal(await cache.delete('one'), false)
  assert.equal(await cache.increment('one'), 1)
  assert.equal(await cache.get('one'), 1)
})
