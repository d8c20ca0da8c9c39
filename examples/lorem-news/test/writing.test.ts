import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audit, isConsistent } from '../src/database/audit.ts'
import { openSite } from './helpers/site.ts'
import { commentIdOf, postIdOf } from './helpers/visitor.ts'

const site = await openSite()
const alice = await site.member('alice')
const bob = await site.member('bob')

const find = (table: 'posts' | 'comments', id: number) =>
  site.queries.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirst()

test('a post is written, changed and deleted by its author', async () => {
  const created = await alice.post('/posts', {
    title: 'A first post',
    description: 'With a text.',
    tags: 'News,  SQLite, news',
  })
  assert.equal(created.status, 303)
  const id = postIdOf(created)
  const page = await alice.read(`/posts/${id}`)
  assert.match(page, /<h1>A first post<\/h1>/)
  assert.match(page, /<li>news<\/li><li>sqlite<\/li>\s*<\/ul>/)
  assert.match(await alice.read(`/posts/${id}/edit`), /value="news, sqlite"/)

  const changed = await alice.patch(`/posts/${id}`, {
    title: 'A first post',
    description: 'With a better text.',
    tags: '',
  })
  assert.equal(changed.status, 303)
  assert.equal(changed.headers.get('location'), `/posts/${id}`)
  assert.match(await alice.read(`/posts/${id}`), /With a better text/)

  const deleted = await alice.delete(`/posts/${id}`)
  assert.equal(deleted.status, 303)
  assert.equal((await alice.get(`/posts/${id}`)).status, 404)
})

test('a comment is written, changed and deleted by its author, and counted', async () => {
  const post = postIdOf(await alice.post('/posts', { title: 'To be commented', description: 'With a text.' }))
  const created = await bob.post(`/posts/${post}/comments`, { body: 'I think so too.' })
  assert.equal(created.status, 303)
  const id = commentIdOf(created)
  assert.match(await bob.read(`/posts/${post}`), /<h2 id="comments-heading"[^>]*>1 comment<\/h2>/)
  assert.match(await bob.read(`/comments/${id}/edit`), />I think so too\.<\/textarea>/)

  const changed = await bob.patch(`/comments/${id}`, { body: 'I think\nnot.' })
  assert.equal(changed.headers.get('location'), `/posts/${post}#comment_${id}`)
  assert.match(await bob.read(`/posts/${post}`), /I think\nnot\./)

  const deleted = await bob.delete(`/comments/${id}`)
  assert.equal(deleted.headers.get('location'), `/posts/${post}`)
  assert.match(await bob.read(`/posts/${post}`), /<h2 id="comments-heading"[^>]*>0 comments<\/h2>/)
})

test('what cannot be saved comes back with its messages and with what was typed', async () => {
  const response = await alice.post('/posts', { title: 'Tiny', description: '', tags: 'ok, a' })
  assert.equal(response.status, 422)
  const page = await response.text()
  assert.match(
    page,
    /<input id="title"[^>]* value="Tiny"[^>]* aria-describedby="title-hint title-error" aria-invalid="true"/,
  )
  assert.match(page, /id="title-error">The title needs at least 5 characters; this has 4\.</)
  assert.match(page, /id="description-error">The text is missing\.</)
  assert.match(page, /id="tags-error">A tag has 2 to 20 letters/)
  assert.match(page, /value="ok, a"/)
})

test('the forms refuse what the tables would refuse', async () => {
  const refused: Record<string, string>[] = [
    { title: ' abcd ', description: 'A text.' },
    { title: 'abcd\u0000', description: 'A text.' },
    { title: '🚂🚂🚂🚂', description: 'A text.' },
    { title: 'x'.repeat(201), description: 'A text.' },
    { title: 'Long text', description: 'x'.repeat(50_001) },
    { title: 'Many tags', description: 'A text.', tags: 'aa, bb, cc, dd, ee, ff' },
    {},
  ]
  for (const fields of refused)
    assert.equal((await alice.post('/posts', fields)).status, 422, JSON.stringify(fields))
  assert.equal((await alice.post('/posts', { title: '🚂🚂🚂🚂🚂', description: 'A text.' })).status, 303)
  assert.equal((await alice.post('/posts/1/comments', { body: 'abc' })).status, 422)
  assert.equal((await alice.post('/posts/99999/comments', { body: 'abc' })).status, 404)
  assert.equal((await alice.post('/posts/99999/comments', { body: 'A good comment.' })).status, 404)
})

test('a title can be used once, whether a post is new or changed', async () => {
  await alice.post('/posts', { title: 'Taken already', description: 'A text.' })
  const again = await bob.post('/posts', { title: 'Taken already', description: 'A text.' })
  assert.equal(again.status, 422)
  assert.match(await again.text(), /There is a post with this title already/)
  const id = postIdOf(await bob.post('/posts', { title: 'Not taken yet', description: 'A text.' }))
  assert.equal(
    (await bob.patch(`/posts/${id}`, { title: 'Taken already', description: 'A text.' })).status,
    422,
  )
  assert.equal(
    (await bob.patch(`/posts/${id}`, { title: 'Not taken yet', description: 'New text.' })).status,
    303,
  )
})

test('only the owner changes and deletes', async () => {
  const post = postIdOf(await alice.post('/posts', { title: 'Mine alone', description: 'A text.' }))
  const comment = commentIdOf(await alice.post(`/posts/${post}/comments`, { body: 'Mine as well.' }))
  const fields = { title: 'Yours now', description: 'Another text.', body: 'Another comment.' }
  for (const path of [`/posts/${post}`, `/comments/${comment}`]) {
    assert.equal((await bob.get(`${path}/edit`)).status, 403)
    assert.equal((await bob.patch(path, fields)).status, 403)
    assert.equal((await bob.delete(path)).status, 403)
  }
  assert.match(await bob.read(`/posts/${post}`), /Mine alone/)
  assert.doesNotMatch(await bob.read(`/posts/${post}`), /\/edit"/)
  assert.match(await alice.read(`/posts/${post}`), /\/edit"/)
  assert.deepEqual(
    [(await find('posts', post)) !== undefined, (await find('comments', comment)) !== undefined],
    [true, true],
  )
})

test('without signing in nothing can be written, and the way to sign in is shown', async () => {
  const visitor = site.visitor()
  const fields = { title: 'Anonymous', description: 'A text.', body: 'A comment.' }
  const answers = [
    await visitor.get('/posts/new'),
    await visitor.post('/posts', fields),
    await visitor.patch('/posts/1', fields),
    await visitor.delete('/posts/1'),
    await visitor.post('/posts/1/comments', fields),
    await visitor.get('/comments/1/edit'),
    await visitor.delete('/comments/1'),
    await visitor.delete('/user'),
    await visitor.delete('/sessions/1'),
  ]
  for (const answer of answers) {
    assert.equal(answer.status, 303)
    assert.equal(answer.headers.get('location'), '/sign_in')
  }
})

test('a body that is too large is refused before it is read', async () => {
  const response = await alice.post('/posts', { title: 'Far too large', description: 'x'.repeat(1_100_000) })
  assert.equal(response.status, 413)
  assert.match(await response.text(), /Too large/)
})

test('the counters are exact afterwards', async () => {
  const report = await audit(site.path)
  assert.ok(isConsistent(report), JSON.stringify(report))
})
