import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { FakeClock } from 'handcar/testing'
import { Kept } from '../src/models/kept.ts'
import { createApp, openSite, privately, seededAt } from './helpers/site.ts'
import { commentIdOf, postIdOf, type Visitor } from './helpers/visitor.ts'

mock.timers.enable({ apis: ['Date'], now: seededAt + 3_600_000 })
const clock = new FakeClock(Date.now())
const site = await openSite({ clock })
/** Another process of the app, with a memory of its own. */
const other = await openSite({ data: site.data, clock })
const without = createApp(
  { ...site.database, kept: new Kept(undefined) },
  { origin: undefined, benchmarking: true, ...privately },
)
const alice = await site.member('alice')
const bob = await site.member('bob')
const idOf = async (name: string) =>
  (
    await site.queries
      .selectFrom('users')
      .select('id')
      .where('screen_name', '=', name)
      .executeTakeFirstOrThrow()
  ).id
const aliceId = await idOf('alice')
const bobId = await idOf('bob')

/** Without the place at which it goes on: what is kept was read earlier than what was made just now. */
const unplaced = (page: string) => page.replace(/ data-position="[^"]+"/, '')

/** Compares pages of both processes, as everybody sees them, with those of an app that keeps nothing. */
async function samePages(when: string): Promise<void> {
  for (const path of ['/', '/posts', `/users/${aliceId}`, `/users/${bobId}`, '/users/1']) {
    for (const cookie of ['', alice.cookie, bob.cookie]) {
      const read = async (app: typeof without) =>
        unplaced(await (await app.request(path, { headers: { cookie } })).text())
      const expected = await read(without)
      assert.equal(await read(site.app), expected, `${path} ${when}`)
      assert.equal(await read(site.app), expected, `${path} again ${when}`)
      assert.equal(await read(other.app), expected, `${path} of the other process ${when}`)
    }
  }
}

const write = async (visitor: Visitor, title: string) =>
  postIdOf(await visitor.post('/posts', { title, description: 'With a text.' }))
const comment = async (visitor: Visitor, post: number) =>
  commentIdOf(await visitor.post(`/posts/${post}/comments`, { body: 'I think so too.' }))

test('pages are the same with and without the cache, after every kind of write, in every process', async () => {
  await samePages('at first')
  const post = await write(alice, 'A first post')
  await samePages('after a post')
  assert.match(await (await other.app.request('/')).text(), /A first post/)
  const id = await comment(bob, post)
  await samePages('after a comment of somebody else')
  await bob.patch(`/comments/${id}`, { body: 'I think not.' })
  await samePages('after a comment was changed')
  await alice.patch(`/posts/${post}`, { title: 'A better title', description: 'Text.', tags: 'sqlite' })
  await samePages('after a title that stands on the page of another was changed')
  await alice.patch('/user', { screen_name: 'alice_2', about: 'Me.', password: '' })
  await samePages('after an author has another name')
  await bob.delete(`/comments/${id}`)
  await samePages('after a comment was deleted')
  await comment(bob, post)
  await comment(alice, await write(bob, 'A post of Bob'))
  await samePages('after several writes')
  await alice.delete(`/posts/${post}`)
  await samePages('after a post with comments was deleted')
  await site.queries.updateTable('posts').set({ comments_count: 99 }).where('user_id', '=', bobId).execute()
  await site.handcar.database.write(() => site.database.kept.changed('front', `by:${bobId}`))
  await samePages('after rows were changed by hand')
})

test('a write that fails leaves what is kept as it is', async () => {
  await samePages('before')
  const { misses } = site.handcar.cache.stats()
  await write(bob, 'A title that is taken')
  await samePages('after it was taken')
  const response = await alice.post('/posts', { title: 'A title that is taken', description: 'Text.' })
  assert.equal(response.status, 422)
  const before = site.handcar.cache.stats().misses
  assert.ok(before > misses)
  await samePages('after the failure')
  assert.equal(site.handcar.cache.stats().misses, before)
})

test('ages are right at any time, although nothing is written', async () => {
  await write(alice, 'A post that grows old')
  for (const step of [0, 59_999, 1, 60_000, 3_600_000, 86_400_000, 7 * 86_400_000, 400 * 86_400_000]) {
    clock.advance(step)
    mock.timers.tick(step)
    await samePages(`${step} ms later`)
  }
})

test('the writes of the benchmark are seen too', async () => {
  for (let count = 0; count < 4; count++) {
    for (const action of ['post_create', 'comment_create', 'comment_destroy', 'post_destroy']) {
      await site.app.request(`/benchmarking/${action}`, { method: 'POST' })
      await samePages(`after ${action}`)
    }
  }
})

test('an account that is deleted takes everything with it', async () => {
  const post = await write(alice, 'A post that bob comments')
  await comment(bob, post)
  await comment(alice, await write(bob, 'Another post of Bob'))
  await samePages('before')
  await bob.delete('/user')
  await samePages('after the account was deleted')
})
