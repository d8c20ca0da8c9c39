import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp, openSite, privately } from './helpers/site.ts'

const site = await openSite()
const visitor = site.visitor()

const count = (page: string, pattern: RegExp) => page.match(pattern)?.length ?? 0

test('the front page shows the 50 newest posts, newest first', async () => {
  const page = await visitor.read('/')
  const newest = await site.queries
    .selectFrom('posts')
    .select('id')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(50)
    .execute()
  const shown = [...page.matchAll(/<li class="post box" id="post_(\d+)">/g)].map((match) => Number(match[1]))
  assert.deepEqual(
    shown,
    newest.map((post) => post.id),
  )
  assert.equal(await visitor.read('/posts'), page)
})

test('a post has its author, its paragraphs and all of its comments, newest first', async () => {
  const page = await visitor.read('/posts/1')
  const post = await site.queries
    .selectFrom('posts')
    .selectAll()
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const comments = await site.queries
    .selectFrom('comments')
    .select('id')
    .where('post_id', '=', 1)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  assert.ok(page.includes(`<h1>${post.title}</h1>`))
  for (const paragraph of post.description.split('\n\n')) assert.ok(page.includes(`<p>${paragraph}</p>`))
  const shown = [...page.matchAll(/id="comment_(\d+)"/g)].map((match) => Number(match[1]))
  assert.deepEqual(
    shown,
    comments.map((comment) => comment.id),
  )
  assert.equal(post.comments_count, comments.length)
})

test('a user has all posts and all comments', async () => {
  const page = await visitor.read('/users/1')
  const user = await site.queries
    .selectFrom('users')
    .selectAll()
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const comments = await site.queries.selectFrom('comments').select('id').where('user_id', '=', 1).execute()
  assert.equal(count(page, /<li class="post box">/g), user.posts_count)
  assert.equal(count(page, /<article class="comment box">/g), comments.length)
  assert.ok(!page.includes('Edit profile'))
})

test('the permanent link of a post leads to it', async () => {
  const page = await visitor.read('/posts/7')
  const link = /href="(\/p\/[0-9a-f]+)"/.exec(page)![1]!
  const response = await visitor.get(link)
  assert.equal(response.status, 302)
  assert.equal(response.headers.get('location'), '/posts/7')
})

test('what is not there is a 404 that looks like the app', async () => {
  const paths = [
    '/nowhere',
    '/posts/99999',
    '/posts/99999999999999999999',
    '/posts/x',
    '/users/99999',
    '/p/0',
    '/posts/-1',
  ]
  for (const path of paths) {
    const response = await visitor.get(path)
    assert.equal(response.status, 404, path)
    assert.match(await response.text(), /<h1 id="problem">Not found<\/h1>/)
  }
})

test('what people write is text and never HTML', async () => {
  const member = await site.member('mallory')
  const title = `<script>alert("1")</script> & 'so on'`
  const response = await member.post('/posts', { title, description: '<img src=x onerror=alert(1)>' })
  const page = await visitor.read(response.headers.get('location')!)
  assert.ok(!page.includes('<script>') && !page.includes('<img'))
  assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;so on&#39;'))
})

test('pages forbid frames, foreign forms, and all scripts but their own', async () => {
  const { headers } = await visitor.get('/')
  const policy = headers.get('content-security-policy')!
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]) {
    assert.ok(policy.includes(rule), rule)
  }
  assert.ok(!policy.includes('unsafe'))
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.equal(headers.get('x-frame-options'), 'DENY')
  assert.equal(headers.get('strict-transport-security'), null)
})

test('the style sheet may be kept, because its address follows its content', async () => {
  const page = await visitor.read('/')
  const url = /href="(\/styles\.css\?v=[\w-]+)"/.exec(page)![1]!
  const response = await visitor.get(url)
  assert.equal(response.headers.get('content-type'), 'text/css; charset=utf-8')
  assert.match(response.headers.get('cache-control')!, /immutable/)
  assert.equal((await visitor.get('/icon.svg')).headers.get('content-type'), 'image/svg+xml')
})

test('the benchmark routes are closed unless they were asked for', async () => {
  const closed = createApp(site.database, { origin: undefined, benchmarking: false, ...privately })
  const before = await site.queries.selectFrom('posts').select('id').execute()
  for (const name of ['balanced', 'post_create', 'post_destroy']) {
    const headers = { 'sec-fetch-site': 'same-origin' }
    const response = await closed.request(`/benchmarking/${name}`, { method: 'POST', headers })
    assert.equal(response.status, 404)
  }
  assert.equal((await site.queries.selectFrom('posts').select('id').execute()).length, before.length)
})
