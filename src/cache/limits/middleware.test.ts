import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono, type Context } from 'hono'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { rateLimitHeaders, rateLimitMiddleware, type RateLimitMiddlewareOptions } from '../index.ts'

const limitHeaders = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after']
const read = (response: Response, names = limitHeaders) => names.map((name) => response.headers.get(name))

test('requests above the limit get 429, and all of them say where they stand', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const app = new Hono()
  app.use(rateLimitMiddleware(cache, { limit: 2, window: '10s' }))
  app.get('/', (c) => c.text('hello'))
  app.get('/raw', () => new Response('raw'))
  app.get('/fails', () => {
    throw new Error('no')
  })
  app.onError((error, c) => c.text(error.message, 500))
  const ask = (path: string, clientAddress: string) => app.request(path, {}, { clientAddress })
  const first = await ask('/', '::1')
  assert.equal(await first.text(), 'hello')
  assert.deepEqual(read(first), ['2', '1', '10', null])
  clock.advance(2_500)
  assert.deepEqual(read(await ask('/raw', '::1')), ['2', '0', '10', null])
  const refused = await ask('/', '::1')
  assert.deepEqual([refused.status, await refused.text()], [429, 'Too many requests\n'])
  assert.deepEqual(read(refused), ['2', '0', '10', '8'])
  assert.deepEqual(read(await ask('/fails', '::2')), ['2', '1', '10', null])
  assert.equal((await ask('/none', '::3')).status, 404)
  clock.advance(7_500)
  assert.equal((await ask('/', '::1')).status, 200)
})

test('key, cost, names and the answer can be chosen', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  const app = new Hono()
  const options: RateLimitMiddlewareOptions<Context> = {
    name: 'api',
    limit: 10,
    window: '1m',
    algorithm: 'token-bucket',
    store: 'app',
    key: (c) => c.req.header('authorization'),
    cost: (c) => Number(c.req.query('cost') ?? 1),
    headers: 'combined',
    onLimit: (c, { retryAfter }) => c.json({ retryAfter }, 503),
  }
  app.use(rateLimitMiddleware(cache, options))
  app.get('/', (c) => c.text('hello'))
  const ask = (authorization: string | undefined, query = '') =>
    app.request(`/${query}`, authorization === undefined ? {} : { headers: { authorization } })
  const names = ['ratelimit', 'ratelimit-policy', 'retry-after']
  assert.deepEqual(read(await ask('a', '?cost=7'), names), ['"api";r=3;t=42', '"api";q=10;w=60', null])
  const refused = await ask('a', '?cost=4')
  assert.deepEqual([refused.status, await refused.json()], [503, { retryAfter: 6_000 }])
  assert.deepEqual(read(refused, names), ['"api";r=3;t=42', '"api";q=10;w=60', '6'])
  assert.deepEqual(read(await ask(undefined), names), [null, null, null])
  // Nobody can make it fail with a key.
  for (const key of ['x'.repeat(5_000), 'é'.repeat(1_000)]) {
    assert.match((await ask(key)).headers.get('ratelimit')!, /r=9;/)
    assert.match((await ask(key)).headers.get('ratelimit')!, /r=8;/)
  }
})

test('an answer whose headers cannot be changed is refused with all the same', async () => {
  await using context = await cacheForTest()
  const app = new Hono()
  const elsewhere = Response.redirect('http://example.org/slow-down')
  const onLimit = () => elsewhere
  app.use(rateLimitMiddleware(context.cache, { limit: 1, window: 1_000, key: () => 'all', onLimit }))
  app.get('/', (c) => c.text('hello'))
  await app.request('/')
  const refused = await app.request('/')
  assert.equal(refused.headers.get('location'), 'http://example.org/slow-down')
  assert.equal(refused.headers.get('retry-after'), '1')
})

test('the headers for other apps', () => {
  const result = { allowed: false, limit: 5, remaining: 0, resetAt: 1, resetAfter: 9_001, retryAfter: 1 }
  assert.deepEqual(rateLimitHeaders(result), {
    'RateLimit-Limit': '5',
    'RateLimit-Remaining': '0',
    'RateLimit-Reset': '10',
    'Retry-After': '1',
  })
  assert.deepEqual(rateLimitHeaders(result, { style: false }), { 'Retry-After': '1' })
})

test('wrong options are refused when it is made', async () => {
  await using context = await cacheForTest()
  const make = (options: object) => () =>
    rateLimitMiddleware(context.cache, { limit: 1, window: 1, ...options })
  assert.equal(await codeOf(make({ limit: 0 })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(make({ name: 'a "b"' })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(make({ keys: 1 })), 'HANDCAR_OPTION_UNKNOWN')
  for (const options of [
    { key: 'address' },
    { cost: '1' },
    { cost: 2 },
    { headers: 'all' },
    { onLimit: 429 },
  ])
    assert.equal(await codeOf(make(options)), 'HANDCAR_OPTION_INVALID', Object.keys(options)[0])
  assert.equal(
    await codeOf(() => rateLimitMiddleware(context.cache, undefined as never)),
    'HANDCAR_OPTION_INVALID',
  )
  const space = context.cache.namespace('x') as never
  const error = await errorOf(() => rateLimitMiddleware(space, { limit: 1, window: 1 }))
  assert.match(error.message, /^rateLimitMiddleware cache: expected a Cache, got an? /)
  const app = new Hono()
  app.use(rateLimitMiddleware(context.cache, { limit: 1, window: 1 }))
  app.onError((error, c) => c.text((error as { code?: string }).code ?? ''))
  assert.equal(await (await app.request('/')).text(), 'HANDCAR_OPTION_INVALID')
})
