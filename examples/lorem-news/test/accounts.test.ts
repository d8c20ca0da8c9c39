import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp, openSite, privately } from './helpers/site.ts'
import { postIdOf, type Visitor } from './helpers/visitor.ts'

const site = await openSite()
const password = 'correct horse'

const isSignedIn = async (visitor: Visitor) => (await visitor.get('/posts/new')).status === 200

test('signing up signs in at once', async () => {
  const visitor = site.visitor()
  const response = await visitor.post('/users', {
    screen_name: 'carol',
    password,
    about: 'I read.\n\nI write.',
  })
  assert.equal(response.status, 303)
  const page = await visitor.read(response.headers.get('location')!)
  assert.match(page, /<h1 id="name">carol<\/h1>/)
  assert.match(page, /<p>I read\.<\/p><p>I write\.<\/p>/)
  assert.match(page, /Firefox on Linux \(this one\)/)
})

test('a name must be well formed and free, in whatever case; a password must be long enough', async () => {
  const visitor = site.visitor()
  const status = async (fields: Record<string, string>) => (await visitor.post('/users', fields)).status
  await visitor.post('/users', { screen_name: 'dave', password })
  assert.equal(await status({ screen_name: 'DAVE', password }), 422)
  assert.equal(await status({ screen_name: 'da ve', password }), 422)
  assert.equal(await status({ screen_name: 'ab', password }), 422)
  assert.equal(await status({ screen_name: 'x'.repeat(31), password }), 422)
  assert.equal(await status({ screen_name: 'erin', password: 'short' }), 422)
  assert.equal(await status({ screen_name: 'erin' }), 422)
})

test('signing in needs the right name and password, and does not tell which was wrong', async () => {
  await site.member('frank')
  const answers = await Promise.all([
    site.visitor().post('/sessions', { screen_name: 'frank', password: 'wrong password' }),
    site.visitor().post('/sessions', { screen_name: 'frank', password: '' }),
    site.visitor().post('/sessions', { screen_name: 'nobody_here', password }),
  ])
  for (const answer of answers) {
    assert.equal(answer.status, 422)
    assert.match(await answer.text(), /No account has this name and this password/)
  }
  const visitor = site.visitor()
  assert.equal((await visitor.post('/sessions', { screen_name: 'frank', password })).status, 303)
  assert.ok(await isSignedIn(visitor))
})

test('a seeded user can sign in', async () => {
  const user = await site.queries
    .selectFrom('users')
    .select('screen_name')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const visitor = site.visitor()
  await visitor.post('/sessions', { screen_name: user.screen_name, password: 'password' })
  assert.ok(await isSignedIn(visitor))
})

test('signing out ends the session, also for whoever kept the cookie', async () => {
  const visitor = await site.member('grace')
  const kept = visitor.cookie
  const action = /action="(\/sessions\/\d+)"/.exec(await visitor.read('/'))![1]!
  assert.equal((await visitor.delete(action)).headers.get('location'), '/')
  assert.equal(visitor.cookie, '')
  const response = await site.app.request('/posts/new', { headers: { cookie: kept } })
  assert.equal(response.status, 303)
})

test('the cookie is signed, and its token is not in the table', async () => {
  const visitor = await site.member('heidi')
  const [name, value] = visitor.cookie.split('=') as [string, string]
  const [token] = decodeURIComponent(value).split('.')
  const dump = await site.queries.selectFrom('sessions').selectAll().execute()
  assert.ok(dump.every((session) => !Buffer.from(session.token_hash).toString('latin1').includes(token!)))
  for (const forged of [
    token!,
    `${token}.`,
    `${token}.${'A'.repeat(43)}=`,
    value.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
  ]) {
    const response = await site.app.request('/posts/new', { headers: { cookie: `${name}=${forged}` } })
    assert.equal(response.status, 303, forged)
  }
})

test('the cookie is kept from scripts and other sites, and from plain http when the site is on https', async () => {
  const signUp = (app: ReturnType<typeof createApp>, screen_name: string) =>
    app.request('/users', {
      method: 'POST',
      body: new URLSearchParams({ screen_name, password }),
      headers: { 'sec-fetch-site': 'same-origin' },
    })
  const plain = (await signUp(site.app, 'ivan')).headers.get('set-cookie')!
  assert.match(plain, /^session=/)
  assert.match(plain, /; HttpOnly/)
  assert.match(plain, /; SameSite=Lax/)
  assert.doesNotMatch(plain, /; Secure/)
  const behindProxy = createApp(site.database, {
    origin: 'https://news.example',
    benchmarking: false,
    ...privately,
  })
  const answer = await signUp(behindProxy, 'judy')
  assert.match(answer.headers.get('set-cookie')!, /^__Host-session=.*; Secure/)
  assert.match(answer.headers.get('strict-transport-security')!, /max-age=/)
})

test('a profile is changed by its user; a new password ends the other sessions', async () => {
  const here = await site.member('kim_1')
  const there = site.visitor()
  await there.post('/sessions', { screen_name: 'kim_1', password })
  assert.match(await here.read('/user/edit'), /value="kim_1"/)
  assert.equal((await here.patch('/user', { screen_name: 'kim_2', about: 'New.', password: '' })).status, 303)
  assert.ok(await isSignedIn(there))
  assert.equal((await here.patch('/user', { screen_name: 'frank', about: '', password: '' })).status, 422)
  assert.equal(
    (await here.patch('/user', { screen_name: 'kim_2', about: '', password: 'another horse' })).status,
    303,
  )
  assert.ok(await isSignedIn(here))
  assert.ok(!(await isSignedIn(there)))
  const again = site.visitor()
  await again.post('/sessions', { screen_name: 'kim_2', password: 'another horse' })
  assert.ok(await isSignedIn(again))
})

test('one session can end another one of the same user, and of nobody else', async () => {
  const here = await site.member('leo_1')
  const there = site.visitor()
  await there.post('/sessions', { screen_name: 'leo_1', password })
  const stranger = await site.member('leo_2')
  const session = /action="(\/sessions\/\d+)"/.exec(await there.read('/'))![1]!
  assert.equal((await stranger.delete(session)).status, 404)
  assert.ok(await isSignedIn(there))
  assert.equal((await here.delete(session)).status, 303)
  assert.ok(await isSignedIn(here))
  assert.ok(!(await isSignedIn(there)))
})

test('a deleted account takes its posts, comments and sessions along, and the counters follow', async () => {
  const visitor = await site.member('mia_1')
  const post = postIdOf(await visitor.post('/posts', { title: 'Soon gone', description: 'A text.' }))
  await visitor.post('/posts/1/comments', { body: 'Soon gone too.' })
  const counted = () =>
    site.queries.selectFrom('posts').select('comments_count').where('id', '=', 1).executeTakeFirstOrThrow()
  const before = (await counted()).comments_count
  assert.equal((await visitor.delete('/user')).headers.get('location'), '/')
  assert.equal((await visitor.get(`/posts/${post}`)).status, 404)
  assert.equal((await counted()).comments_count, before - 1)
  assert.ok(!(await isSignedIn(visitor)))
})

test('a session notes when it was used, at most once a minute', async () => {
  const visitor = await site.member('nina_1')
  const newest = () =>
    site.queries
      .selectFrom('sessions')
      .select(['id', 'last_seen_at'])
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow()
  const before = await newest()
  await visitor.get('/')
  assert.deepEqual(await newest(), before)
  const longAgo = before.last_seen_at - 120_000
  await site.queries
    .updateTable('sessions')
    .set({ last_seen_at: longAgo })
    .where('id', '=', before.id)
    .execute()
  await visitor.get('/')
  assert.ok((await newest()).last_seen_at >= before.last_seen_at)
})
