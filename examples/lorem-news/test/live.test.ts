import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as channels from '../src/channels.ts'
import { audit, isConsistent } from '../src/database/audit.ts'
import { openSite } from './helpers/site.ts'
import { commentIdOf, postIdOf, type Visitor } from './helpers/visitor.ts'

const site = await openSite()
/** Another process of the app. */
const other = await openSite({ data: site.data })
const { realtime } = site.handcar
const alice = await site.member('alice')
const bob = await site.member('bob')
const idOf = async (visitor: Visitor) =>
  Number(/href="\/users\/(\d+)"/.exec(await visitor.read('/posts/new'))![1])

const post = (id: number) => realtime.channel(channels.post, { id })
const front = realtime.channel(channels.front, {})

/** What pages are told from a position on, as one text. */
const told = (channel: typeof front | ReturnType<typeof post>, after: string) =>
  channel
    .history({ after })
    .flatMap(({ data }) => data)
    .map(({ target, action, html = '' }) => `${action} ${target} ${html}`)
    .join('\n')

const positionOf = (page: string) => / data-position="([^"]+)"/.exec(page)![1]!
const write = async (visitor: Visitor, title: string) =>
  postIdOf(await visitor.post('/posts', { title, description: 'With a text.' }))

/** Sends a message as pages do that have no WebSocket. */
async function send(visitor: Visitor, id: number, isFor: unknown, key: string) {
  const body = JSON.stringify({ send: `posts/${id}`, type: 'vote', data: { isFor }, id: 1, key })
  const headers = { cookie: visitor.cookie, origin: 'http://localhost' }
  const response = await realtime.fetch(
    new Request('http://localhost/realtime', { method: 'POST', body, headers }),
  )
  return (await response.json()) as { ack?: number; result?: unknown; error?: { code: string } }
}

const votesOf = async (id: number) => {
  const row = site.queries.selectFrom('posts').select('votes_count').where('id', '=', id)
  return (await row.executeTakeFirstOrThrow()).votes_count
}

test('pages are told of everything that changes on them', async () => {
  let at = realtime.position()
  const heard = (channel: typeof front | ReturnType<typeof post>) => told(channel, at)
  const id = await write(alice, 'To be talked about')
  assert.match(heard(front), new RegExp(`^prepend #posts <li class="post box new" id="post_${id}">`))
  at = realtime.position()
  const comment = commentIdOf(await bob.post(`/posts/${id}/comments`, { body: 'Is <this> "so"?' }))
  assert.match(
    heard(post(id)),
    new RegExp(`^prepend #comment-list <details open class="comment box new" id="comment_${comment}">`),
  )
  assert.match(heard(post(id)), /Is &lt;this&gt; &quot;so&quot;\?/)
  assert.equal(post(id).history({ after: at }).length, 1, 'a comment and its counts are one message')
  assert.match(heard(front), /^replace \[data-counts="\d+"\][^]+1 comment/)
  at = realtime.position()
  await bob.patch(`/comments/${comment}`, { body: 'So it is.' })
  assert.match(heard(post(id)), new RegExp(`^replace #comment_${comment} [^]+So it is\\.`))
  assert.equal(heard(front), '')
  at = realtime.position()
  await bob.delete(`/comments/${comment}`)
  assert.match(heard(post(id)), new RegExp(`^remove #comment_${comment} \n[^]+0 comments`))
  at = realtime.position()
  await alice.patch(`/posts/${id}`, { title: 'Talked about', description: 'With a text.' })
  assert.match(heard(post(id)), /^replace #story <div class="story" id="story"><h1>Talked about<\/h1>/)
  assert.match(heard(front), new RegExp(`^replace #post_${id} [^]+Talked about`))
  at = realtime.position()
  await alice.delete(`/posts/${id}`)
  assert.match(heard(post(id)), /^update #content [^]+has been deleted/)
  assert.equal(heard(front), `remove #post_${id} `)
})

test('nobody is told of what did not happen', async () => {
  await write(alice, 'A title that is taken')
  const at = realtime.position()
  assert.equal(
    (await bob.post('/posts', { title: 'A title that is taken', description: 'Text.' })).status,
    422,
  )
  assert.equal((await bob.post('/posts/1/comments', { body: 'no' })).status, 422)
  assert.equal((await bob.post('/posts/99999/comments', { body: 'Into the void.' })).status, 404)
  assert.equal((await bob.post('/posts/99999/vote', { is_for: '1' })).status, 404)
  assert.equal(realtime.position(), at)
})

test('a page has exactly what was told before its position, also a kept one, while others write', async () => {
  const id = await write(alice, 'Read while it is written')
  const path = `/posts/${id}`
  const at = realtime.position()
  const writing = (async () => {
    for (let count = 0; count < 60; count++) await bob.post(`${path}/comments`, { body: `Comment ${count}` })
  })()
  const pages: { app: typeof site.app; path: string; text: string }[] = []
  const end = new AbortController()
  void writing.finally(() => end.abort())
  for (let count = 0; !end.signal.aborted; count++) {
    // Reading waits for nothing, so the writing would never get its turn.
    await nextTurn()
    const { app } = count % 2 ? site : other
    for (const each of [path, '/'])
      pages.push({ app, path: each, text: await (await app.request(each)).text() })
  }
  await writing
  assert.ok(pages.length > 20, `${pages.length} pages`)
  for (const { path: each, text } of pages) {
    const channel = each === '/' ? front : post(id)
    const since = (position: string) => channel.history({ after: position, limit: 1_000 }).length
    const before = since(at) - since(positionOf(text))
    assert.match(text, new RegExp(`data-counts="${id}">\\s+<a [^>]+>${before} comments?<`), each)
  }
})

test('a vote is given and taken back, once, by the form or over the connection', async () => {
  const id = await write(alice, 'To be voted for')
  const button = async () => /aria-pressed="(\w+)"/.exec(await bob.read(`/posts/${id}`))![1]
  assert.equal(await button(), 'false')
  for (const wanted of ['1', '1', '0', '0', '1']) {
    assert.equal((await bob.post(`/posts/${id}/vote`, { is_for: wanted })).status, 303)
    assert.equal(await votesOf(id), Number(wanted))
  }
  assert.equal(await button(), 'true')
  const at = realtime.position()
  assert.deepEqual(await send(alice, id, true, 'first'), { ack: 1, result: { isFor: true } })
  assert.equal(await votesOf(id), 2)
  await send(alice, id, false, 'second')
  assert.deepEqual(await send(alice, id, true, 'first'), { ack: 1, result: { isFor: true } }, 'sent again')
  assert.equal(await votesOf(id), 1)
  assert.equal(post(id).history({ after: at }).length, 2)
  assert.match(told(front, at), /2 votes[^]+1 vote</)
  assert.match(await other.visitor().read('/'), new RegExp(`data-counts="${id}">[^]+?1 vote<`))
})

test('who may not vote does not', async () => {
  const id = await write(alice, 'Not for everybody')
  assert.deepEqual(await send(site.visitor(), id, true, 'a'), { ack: 1 }, 'the answer is null')
  assert.equal((await send(bob, id, 'yes', 'b')).error?.code, 'invalid')
  assert.doesNotMatch(await site.visitor().read(`/posts/${id}`), /Vote for this/)
  assert.equal(
    (await site.visitor().post(`/posts/${id}/vote`, { is_for: '1' })).headers.get('location'),
    '/sign_in',
  )
  assert.equal(await votesOf(id), 0)
})

test('who signs out is disconnected, to come back as whoever they are then', async () => {
  const carol = await site.member('carol')
  const abort = new AbortController()
  const headers = { cookie: carol.cookie, origin: 'http://localhost' }
  const url = 'http://localhost/realtime?channel=posts/1'
  const stream = await realtime.fetch(new Request(url, { headers, signal: abort.signal }))
  const signOut = /\/sessions\/\d+/.exec(await carol.read('/posts/new'))![0]
  await carol.delete(signOut)
  let text = ''
  for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) text += part
  assert.match(text, /A session has ended/)
  assert.deepEqual(await send(carol, 1, true, 'c'), { ack: 1 })
})

test('a name that changes, and an account that goes, are seen wherever they wrote', async () => {
  const dora = await site.member('dora')
  const user = await idOf(dora)
  const own = await write(dora, 'A post of Dora')
  const id = await write(alice, 'A post with guests')
  await dora.post(`/posts/${id}/comments`, { body: 'Me too.' })
  await dora.post(`/posts/${id}/comments`, { body: 'And once more.' })
  await dora.post(`/posts/${id}/vote`, { is_for: '1' })
  let at = realtime.position()
  await dora.patch('/user', { screen_name: 'dora_2', about: '', password: '' })
  for (const channel of [post(own), post(id), front])
    assert.equal(told(channel, at), `update a[href="/users/${user}"] dora_2`)
  at = realtime.position()
  await dora.patch('/user', { screen_name: 'dora_2', about: 'Me.', password: '' })
  assert.equal(realtime.position(), at)
  await dora.delete('/user')
  assert.match(told(post(own), at), /has been deleted/)
  assert.match(told(post(id), at), /^remove \.comment:has\([^]+0 comments[^]+0 votes/)
  assert.match(told(front, at), new RegExp(`remove #post_${own} `))
})

test('the largest post and comment that the forms accept can be told', async () => {
  const title = '"'.repeat(199)
  const created = await alice.post('/posts', { title: `${title}x`, description: '"'.repeat(50_000) })
  const id = postIdOf(created)
  assert.equal(
    (await alice.patch(`/posts/${id}`, { title: `${title}y`, description: '\u{1f682}'.repeat(50_000) }))
      .status,
    303,
  )
  assert.equal(
    (await alice.patch(`/posts/${id}`, { title: `${title}z`, description: '"'.repeat(50_000) })).status,
    303,
  )
  const lines = '"\n\n"'.repeat(2_500)
  assert.equal((await alice.post(`/posts/${id}/comments`, { body: lines })).status, 303)
})

test('the counters are exact afterwards', async () => {
  const report = await audit(site.path)
  assert.ok(isConsistent(report), JSON.stringify(report))
})
