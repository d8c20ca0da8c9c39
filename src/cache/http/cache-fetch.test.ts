import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { errorOf } from '../../../test/helpers/errors.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { cacheFetch } from '../index.ts'

const request = (path: string, init?: RequestInit): Request => new Request(`http://app.test${path}`, init)

test('wraps any fetch function', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  let made = 0
  const fetch = cacheFetch(
    cache,
    (asked, environment: string) => {
      made++
      return new Response(`${environment} ${new URL(asked.url).pathname} ${made}`, {
        headers: { 'cache-tag': 'a', 'content-type': 'text/plain' },
      })
    },
    { ttl: '1m', staleWhileRevalidate: '1m' },
  )
  const read = async (path: string, init?: RequestInit) => (await fetch(request(path, init), 'env')).text()
  assert.deepEqual(
    [await read('/a'), await read('/a'), await read('/b')],
    ['env /a 1', 'env /a 1', 'env /b 2'],
  )
  clock.advance(61_000)
  assert.equal(await read('/a'), 'env /a 1')
  await waitUntil('it was made anew', async () => (await read('/a')) === 'env /a 3')
  await cache.invalidate('a')
  assert.equal(await read('/a'), 'env /a 4')
  const posted = await fetch(request('/a', { method: 'POST' }), 'env')
  assert.deepEqual([await posted.text(), posted.headers.get('cache-tag')], ['env /a 5', null])
})

test('an error of the handler is its caller’s; the others try themselves', async () => {
  await using context = await cacheForTest()
  let made = 0
  const fetch = cacheFetch(
    context.cache,
    () => {
      if (++made === 1) throw new Error('first')
      return new Response('page')
    },
    { tags: [] },
  )
  const answers = await Promise.allSettled([1, 2, 3].map(async () => (await fetch(request('/'))).text()))
  assert.deepEqual(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason))),
    ['Error: first', 'page', 'page'],
  )
})

test('what is compressed is for those who can read it, also when the handler does not say so', async () => {
  await using context = await cacheForTest()
  const answer = cacheFetch(
    context.cache,
    ({ headers }) =>
      headers.get('accept-encoding') === 'gzip'
        ? new Response(gzipSync('page'), { headers: { 'content-encoding': 'gzip' } })
        : new Response('page'),
    { tags: [] },
  )
  for (let time = 0; time < 3; time++) {
    for (const encoding of ['gzip', null]) {
      const headers = encoding === null ? {} : { 'accept-encoding': encoding }
      const response = await answer(new Request('http://localhost/', { headers }))
      assert.equal(response.headers.get('content-encoding'), encoding)
    }
  }
})

test('a cache or a function that was forgotten is said so', async () => {
  await using context = await cacheForTest()
  const missing = undefined as never
  const withoutCache = await errorOf(() => cacheFetch(missing, () => new Response(), { tags: [] }))
  assert.match(withoutCache.message, /^cacheFetch cache: expected a Cache, got undefined/)
  const withoutFetch = await errorOf(() => cacheFetch(context.cache, missing, { tags: [] }))
  assert.match(withoutFetch.message, /^cacheFetch fetch: expected a function, got undefined/)
})

test('bytes, empty pages and long addresses', async () => {
  await using context = await cacheForTest()
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  let made = 0
  const fetch = cacheFetch(
    context.cache,
    (asked) => {
      made++
      return new Response(asked.url.includes('empty') ? null : bytes)
    },
    { tags: [] },
  )
  const long = `/?${'x'.repeat(3_000)}`
  for (const path of ['/', '/', '/', long, long, `${long}y`]) {
    assert.deepEqual(new Uint8Array(await (await fetch(request(path))).arrayBuffer()), bytes)
  }
  assert.equal(made, 3)
  assert.equal(await (await fetch(request('/empty'))).text(), '')
  assert.equal(await (await fetch(request('/empty'))).text(), '')
  assert.equal(made, 4)
})

test('a page that the cache refuses as too large is answered all the same, also to those who wait', async () => {
  await using context = await cacheForTest({ maxBytes: '1mb' })
  let made = 0
  const answer = cacheFetch(
    context.cache,
    async () => {
      made++
      await new Promise((resolve) => setTimeout(resolve, 20))
      return new Response('x'.repeat(500_000))
    },
    { tags: [] },
  )
  for (let time = 1; time < 3; time++) {
    const all = await Promise.all(
      Array.from({ length: 3 }, async () => (await answer(new Request('http://localhost/'))).text()),
    )
    assert.deepEqual(
      all.map(({ length }) => length),
      [500_000, 500_000, 500_000],
    )
    assert.equal(made, time)
  }
})
