import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { Hono, type Context } from 'hono'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { errorOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { sql } from '../../database/index.ts'
import { cachePages } from '../index.ts'

const status = (response: Response): string | null => response.headers.get('cache-status')

test('a page is made once, and again after its tag was invalidated', async () => {
  await using context = await cacheForTest()
  const { cache, app: database } = context
  await database.write((tx) => {
    tx.run('create table posts (title text not null) strict')
    tx.run("insert into posts values ('old')")
  })
  let made = 0
  const app = new Hono()
  app.get('/', cachePages(cache, { tags: ['posts'] }), (c) => {
    made++
    return c.html(`<p>${database.get<{ title: string }>('select title from posts')!.title}`, 200, {
      'x-own': 'yes',
    })
  })
  const first = await app.request('/')
  const second = await app.request('/')
  assert.equal(made, 1)
  assert.deepEqual([status(first), status(second)], ['handcar; fwd=miss', 'handcar; hit'])
  for (const response of [first, second]) {
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'text/html; charset=UTF-8')
    assert.equal(response.headers.get('cache-control'), 'no-cache')
    assert.equal(response.headers.get('x-own'), 'yes')
    assert.equal(await response.text(), '<p>old')
  }
  assert.match(first.headers.get('etag')!, /^W\/"[\w-]{22}"$/)
  assert.equal(first.headers.get('etag'), second.headers.get('etag'))
  await database.write((tx) => {
    tx.run(sql`update posts set title = 'new'`)
    void cache.invalidate('posts')
  })
  assert.equal(await (await app.request('/')).text(), '<p>new')
  assert.equal(made, 2)
  // The page depends on its whole address.
  await app.request('/?page=2')
  assert.equal(made, 3)
})

test('whoever has the page gets 304, with the headers that belong to it', async () => {
  await using context = await cacheForTest()
  const app = new Hono()
  app.get('/', cachePages(context.cache, { tags: [] }), (c) =>
    c.html('page', 200, { 'last-modified': 'Fri, 20 Nov 2026 10:00:00 GMT', vary: 'accept' }),
  )
  app.get('/own', cachePages(context.cache, { tags: [] }), (c) => c.text('page', 200, { etag: '"a,b"' }))
  for (const path of ['/', '/own', '/']) {
    const etag = (await app.request(path)).headers.get('etag')!
    for (const sent of [etag, `"x", ${etag}`, '*', etag.replace('W/', '')]) {
      const response = await app.request(path, { headers: { 'if-none-match': sent } })
      assert.deepEqual([response.status, await response.text()], [304, ''], sent)
      assert.equal(response.headers.get('etag'), etag)
      assert.equal(response.headers.get('cache-control'), 'no-cache')
      assert.equal(response.headers.get('content-type'), null)
    }
    const other = await app.request(path, { headers: { 'if-none-match': '"other"' } })
    assert.deepEqual([other.status, await other.text()], [200, 'page'])
  }
  const since = async (date: string, etag?: string) =>
    (
      await app.request('/', {
        headers: { 'if-modified-since': date, ...(etag && { 'if-none-match': etag }) },
      })
    ).status
  assert.equal(await since('Fri, 20 Nov 2026 10:00:00 GMT'), 304)
  assert.equal(await since('Fri, 20 Nov 2026 09:59:59 GMT'), 200)
  assert.equal(await since('nonsense'), 200)
  assert.equal(await since('Fri, 20 Nov 2026 10:00:00 GMT', '"other"'), 200)
})

/** Each is asked for twice; nobody may get what was made for another one. */
const neverKept: Record<
  string,
  { headers?: Record<string, string>; answer?: ResponseInit; method?: string }
> = {
  'set-cookie': { answer: { headers: { 'set-cookie': 'a=1' } } },
  private: { answer: { headers: { 'cache-control': 'max-age=5, Private' } } },
  'private for a header': { answer: { headers: { 'cache-control': 'private="x-a"' } } },
  'no-store': { answer: { headers: { 'cache-control': 'no-store' } } },
  'no-cache': { answer: { headers: { 'cache-control': 'no-cache' } } },
  'vary: *': { answer: { headers: { vary: '*' } } },
  'status 404': { answer: { status: 404 } },
  'status 201': { answer: { status: 201 } },
  'status 500': { answer: { status: 500 } },
  'status 206': { answer: { status: 206, headers: { 'content-range': 'bytes 0-1/2' } } },
  'a request with authorization': { headers: { authorization: 'Basic YTpi' } },
  'a request with cookies': { headers: { cookie: 'session=1' } },
  'a request for a range': { headers: { range: 'bytes=0-1' } },
  'a request that is no GET': { method: 'POST' },
}

for (const [name, { headers = {}, answer, method = 'GET' }] of Object.entries(neverKept)) {
  test(`never kept: ${name}`, async () => {
    await using context = await cacheForTest()
    let made = 0
    const app = new Hono()
    app.all('/', cachePages(context.cache, { tags: [] }), (c) => {
      made++
      return c.newResponse(`page ${made}`, answer as never)
    })
    const read = async () => {
      const response = await app.request('/', { method, headers })
      assert.equal(status(response), null)
      return response.text()
    }
    assert.deepEqual([await read(), await read(), await read()], ['page 1', 'page 2', 'page 3'])
    const together = await Promise.all(Array.from({ length: 5 }, read))
    assert.equal(new Set(together).size, 5)
  })
}

test('a page that is kept is not given to who must not have it, nor the other way round', async () => {
  await using context = await cacheForTest()
  const app = new Hono()
  app.get('/', cachePages(context.cache, { tags: [] }), (c) =>
    c.text(`for ${c.req.header('authorization') ?? c.req.header('cookie') ?? 'all'}`),
  )
  const read = async (headers = {}) => (await app.request('/', { headers })).text()
  assert.equal(await read({ authorization: 'me' }), 'for me')
  assert.equal(await read(), 'for all')
  assert.equal(await read({ cookie: 'me' }), 'for me')
  assert.equal(await read({ authorization: 'you' }), 'for you')
  assert.equal(await read(), 'for all')
})

test('with a key, each of those it tells apart has a page, and undefined has none', async () => {
  await using context = await cacheForTest()
  let made = 0
  const app = new Hono()
  const user = (c: Context): string | undefined => /user=(\w+)/.exec(c.req.header('cookie') ?? '')?.[1] ?? ''
  const key = (c: Context) => (user(c) === 'admin' ? undefined : user(c))
  app.get('/', cachePages(context.cache, { tags: ['posts'], key }), (c) => c.text(`${user(c)} ${++made}`))
  const read = async (cookie: string) => {
    const response = await app.request('/', { headers: { cookie } })
    if (status(response) !== null) assert.equal(response.headers.get('cache-control'), 'private, no-cache')
    return response.text()
  }
  assert.deepEqual([await read('user=ann'), await read('user=bob'), await read('')], ['ann 1', 'bob 2', ' 3'])
  assert.deepEqual(
    [await read('x; user=ann'), await read('user=bob'), await read('')],
    ['ann 1', 'bob 2', ' 3'],
  )
  assert.deepEqual([await read('user=admin'), await read('user=admin')], ['admin 4', 'admin 5'])
})

test('Vary: each value has its page, also when they are asked for at the same time', async () => {
  await using context = await cacheForTest()
  let made = 0
  const app = new Hono()
  app.get('/', cachePages(context.cache, { tags: [] }), async (c) => {
    made++
    await delay(5)
    const language = c.req.header('accept-language') ?? 'none'
    return c.text(language, 200, { vary: 'Accept-Language' })
  })
  const read = async (language: string) => {
    const headers = language === 'none' ? {} : { 'accept-language': language }
    return (await app.request('/', { headers })).text()
  }
  const languages = ['de', 'en', 'none', 'de', 'en', 'fr, de', 'fr', 'none']
  assert.deepEqual(await Promise.all(languages.map(read)), languages)
  assert.deepEqual(await Promise.all(languages.map(read)), languages)
  const before = made
  for (const language of languages) assert.equal(await read(language), language)
  assert.equal(made, before)
})

test('the handler names tags in a header that is not sent', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  let made = 0
  const app = new Hono()
  const tags = (c: Context) => [`page:${c.req.param('id')}`]
  app.get('/:id', cachePages(cache, { tags }), (c) => c.text(`${++made}`, 200, { 'cache-tag': 'a, b' }))
  const read = async (path: string, headers = {}) => {
    const response = await app.request(path, { headers })
    assert.equal(response.headers.get('cache-tag'), null)
    return response.text()
  }
  assert.deepEqual([await read('/1'), await read('/1'), await read('/2')], ['1', '1', '2'])
  await cache.invalidate('b')
  assert.deepEqual([await read('/1'), await read('/2')], ['3', '4'])
  await cache.invalidate('page:1')
  assert.deepEqual([await read('/1'), await read('/2')], ['5', '4'])
  assert.equal(await read('/1', { cookie: 'a' }), '6')
})

test('one of many makes a page, and one that was made of old rows is not kept', async () => {
  using folder = temporaryFolder()
  const paths = { path: folder.file('cache.sqlite3'), appPath: folder.file('app.sqlite3') }
  await using one = await cacheForTest(paths)
  await using other = await cacheForTest(paths)
  let row = 'old'
  let made = 0
  let finish: (() => void) | undefined
  const appOf = ({ cache }: typeof one) => {
    const app = new Hono()
    app.get('/', cachePages(cache, { tags: ['posts'] }), async (c) => {
      made++
      const read = row
      if (read === 'old') await new Promise<void>((resolve) => (finish = resolve))
      return c.text(read)
    })
    return async () => (await app.request('/')).text()
  }
  const [here, there] = [appOf(one), appOf(other)]
  const early = [here(), here(), here(), there(), there()]
  await waitUntil('the handler has begun', () => finish !== undefined)
  row = 'new'
  await other.cache.invalidate('posts')
  assert.equal(await here(), 'new')
  assert.equal(await there(), 'new')
  finish!()
  assert.equal(await early[0], 'old')
  assert.deepEqual(await Promise.all(early.slice(1)), ['new', 'new', 'new', 'new'])
  assert.deepEqual([await here(), await there(), made], ['new', 'new', 2])
})

test('a stale page is sent at once and made anew behind it', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  let made = 0
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.header('set-cookie', `seen=${made}`)
  })
  const options = {
    ttl: '1m',
    staleWhileRevalidate: '1m',
    fetch: (request: Request) => app.fetch(request),
  } as const
  app.get('/', cachePages(cache, options), (c) => c.text(`page ${++made} for ${c.req.header('accept')}`))
  const read = async () =>
    (await app.request('/', { headers: { accept: 'text', 'if-none-match': '"x"' } })).text()
  assert.equal(await read(), 'page 1 for text')
  clock.advance(61_000)
  assert.equal(await read(), 'page 1 for text')
  await waitUntil('it was made anew', async () => (await read()) === 'page 2 for text')
  assert.equal(made, 2)
  clock.advance(200_000)
  assert.equal(await read(), 'page 3 for text')
})

test('within the grace a handler that fails does not take the page away', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  let fails = false
  let made = 0
  const app = new Hono()
  app.onError((_, c) => c.text('failed', 500))
  app.get('/', cachePages(cache, { ttl: '1m', grace: '1h' }), (c) => {
    made++
    if (fails) throw new Error('no')
    return c.text('page')
  })
  const read = async () => {
    const response = await app.request('/')
    return `${response.status} ${await response.text()}`
  }
  fails = true
  assert.equal(await read(), '500 failed')
  fails = false
  assert.equal(await read(), '200 page')
  fails = true
  clock.advance(61_000)
  assert.equal(await read(), '200 page')
  assert.equal(made, 3)
  // For ten seconds it is not tried again.
  assert.equal(await read(), '200 page')
  assert.equal(made, 3)
  clock.advance(2 * 3_600_000)
  assert.equal(await read(), '500 failed')
})

test('HEAD gets the headers of the page that is there, and keeps nothing', async () => {
  await using context = await cacheForTest()
  let made = 0
  const app = new Hono()
  app.get('/', cachePages(context.cache, { tags: [] }), (c) => c.text(`page ${++made}`))
  const head = () => app.request('/', { method: 'HEAD' })
  assert.equal(await (await head()).text(), '')
  assert.equal(await (await app.request('/')).text(), 'page 2')
  const response = await head()
  assert.deepEqual([await response.text(), status(response), made], ['', 'handcar; hit', 2])
})

test('large pages and streams are sent and not kept', async () => {
  await using context = await cacheForTest()
  let made = 0
  const app = new Hono()
  app.get('/large', cachePages(context.cache, { tags: [], maxBody: '1kb' }), (c) => {
    made++
    return c.text('x'.repeat(2_000))
  })
  app.get('/bits', cachePages(context.cache, { tags: [], maxBody: '1kb' }), (c) => {
    made++
    let left = 40
    return c.body(
      new ReadableStream({
        pull(controller) {
          if (left-- === 0) controller.close()
          else controller.enqueue(new TextEncoder().encode('y'.repeat(100)))
        },
      }),
    )
  })
  app.get('/events', cachePages(context.cache, { tags: [] }), (c) =>
    c.body(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      }),
      200,
      {
        'content-type': 'text/event-stream',
      },
    ),
  )
  for (let time = 0; time < 2; time++) {
    assert.equal((await (await app.request('/large')).text()).length, 2_000)
    assert.equal(await (await app.request('/bits')).text(), 'y'.repeat(4_000))
  }
  assert.equal(made, 4)
  const reader = (await app.request('/events')).body!.getReader()
  assert.equal(new TextDecoder().decode((await reader.read()).value), 'data: 1\n\n')
  await reader.cancel()
})

test('nobody waits for ever for a handler that hangs', async () => {
  await using context = await cacheForTest()
  let made = 0
  let finish = () => {}
  const app = new Hono()
  app.get('/', cachePages(context.cache, { tags: [], maxWait: 20 }), async (c) => {
    const number = ++made
    if (number === 1) await new Promise<void>((resolve) => (finish = resolve))
    return c.text(`page ${number}`)
  })
  const first = app.request('/')
  await waitUntil('it hangs', () => made === 1)
  assert.equal(await (await app.request('/')).text(), 'page 2')
  finish()
  assert.equal(await (await first).text(), 'page 1')
})

test('a cache that does not work breaks no page', async () => {
  await using context = await cacheForTest()
  const { cache, database } = context
  const app = new Hono()
  let made = 0
  app.get('/', cachePages(cache, { tags: ['a'] }), (c) => c.text(`page ${++made}`))
  assert.equal(await (await app.request('/')).text(), 'page 1')
  await database.stop()
  assert.equal((await app.request('/')).status, 200)
  await cache.stop()
  assert.equal(await (await app.request('/')).text(), `page ${made}`)
})

test('what middleware says about headers before and after is in each answer', async () => {
  await using context = await cacheForTest()
  let number = 0
  const app = new Hono()
  app.use(async (c, next) => {
    c.header('x-request-id', String(++number))
    await next()
    c.header('x-after', String(number))
  })
  app.get('/', cachePages(context.cache, { tags: [] }), (c) => c.text('page'))
  for (let time = 1; time < 4; time++) {
    const { headers } = await app.request('/')
    assert.deepEqual([headers.get('x-request-id'), headers.get('x-after')], [String(time), String(time)])
  }
})

test('what middleware says about headers before is nobody else’s', async () => {
  await using context = await cacheForTest()
  const { cache, clock } = context
  const app = new Hono()
  app.use(async (c, next) => {
    const user = c.req.header('x-me')
    if (user !== undefined) c.header('x-user', user)
    c.header('cache-control', 'max-age=5')
    c.header('x-page', 'of all')
    await next()
  })
  const fetch = (request: Request) => app.fetch(request)
  const options = { tags: [], ttl: '1m', staleWhileRevalidate: '1m', fetch } as const
  let made = 0
  app.get('/', cachePages(cache, options), (c) => c.text(`page ${++made}`, 200, { 'x-page': 'own' }))
  app.get('/frail', cachePages(cache, { tags: [], ttl: '1m', grace: '1h' }), (c) => {
    if (made > 1) return c.text('failed', 500)
    return c.text('page', 200, { 'x-page': 'own' })
  })
  const read = async (user?: string) => {
    const response = await app.request('/', { headers: user === undefined ? {} : { 'x-me': user } })
    const { headers } = response
    assert.deepEqual([headers.get('cache-control'), headers.get('x-page')], ['max-age=5', 'own'])
    return [headers.get('x-user'), await response.text()]
  }
  assert.deepEqual(await read('ann'), ['ann', 'page 1'])
  assert.deepEqual(await read('bob'), ['bob', 'page 1'])
  assert.deepEqual(await read(), [null, 'page 1'])
  await app.request('/frail', { headers: { 'x-me': 'ann' } })
  clock.advance(61_000)
  assert.deepEqual(await read('carol'), ['carol', 'page 1'])
  await waitUntil('it is made anew', async () => (await read())[1] === 'page 2')
  assert.deepEqual(await read(), [null, 'page 2'])
  // Also when the handler has run in vain.
  const { headers, status: code } = await app.request('/frail', { headers: { 'x-me': 'bob' } })
  assert.deepEqual(
    [code, headers.get('x-user'), headers.get('cache-control'), headers.get('x-page')],
    [200, 'bob', 'max-age=5', 'own'],
  )
})

test('tags that are none are an error, whoever names them', async () => {
  await using context = await cacheForTest()
  const codes: unknown[] = []
  const app = new Hono()
  app.onError((error, c) => {
    codes.push((error as { code?: string }).code)
    return c.text('failed', 500)
  })
  app.get('/', cachePages(context.cache, { tags: () => [''] }), (c) => c.text('page'))
  app.get('/own', cachePages(context.cache, { tags: [] }), (c) =>
    c.text('page', 200, { 'cache-tag': 'x'.repeat(2_000) }),
  )
  assert.equal((await app.request('/')).status, 500)
  assert.equal((await app.request('/own')).status, 500)
  assert.deepEqual(codes, ['HANDCAR_CACHE_TAG', 'HANDCAR_CACHE_TAG'])
})

test('wrong options are refused', async () => {
  await using context = await cacheForTest()
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /"tags" or "ttl"/],
    [{ tags: 'posts' }, /a list of tags/],
    [{ ttl: -1 }, /ttl/],
    [{ tags: [], key: 'user' }, /a function/],
    [{ tags: [], maxBody: 'big' }, /maxBody/],
    [{ ttl: '1m', staleWhileRevalidate: '1m' }, /the option "fetch"/],
    [{ tag: ['a'] }, /no option "tag"/],
  ]
  for (const [options, message] of wrong) {
    const error = await errorOf(() => cachePages(context.cache, options))
    assert.match(error.message, message)
    assert.match(error.code!, /^HANDCAR_OPTION_/)
  }
  const forgotten = await errorOf(() => cachePages({ tags: [] } as never, undefined as never))
  assert.match(forgotten.message, /^cachePages cache: expected a Cache, got an instance of Object/)
})
