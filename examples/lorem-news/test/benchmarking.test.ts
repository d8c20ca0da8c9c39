import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actions, mixes, pick } from '../src/benchmarking/mixes.ts'
import { mulberry32 } from '../src/seeds/random.ts'
import { openSite } from './helpers/site.ts'
import { commentIdOf, postIdOf } from './helpers/visitor.ts'

const site = await openSite()
const perform = async (name: string) => site.app.request(`/benchmarking/${name}`, { method: 'POST' })
const count = async (table: 'posts' | 'comments') =>
  (await site.queries.selectFrom(table).select('id').execute()).length

/** How many users were seen while something happened. */
async function seenDuring(work: () => Promise<unknown>): Promise<number> {
  await site.queries.updateTable('users').set({ last_seen_at: null }).execute()
  await work()
  const seen = await site.queries
    .selectFrom('users')
    .select('id')
    .where('last_seen_at', 'is not', null)
    .execute()
  return seen.length
}

test('every mix chooses its actions as often as the talks did, to one per cent', () => {
  const draws = 100_000
  for (const [name, mix] of Object.entries(mixes)) {
    assert.ok(Math.abs(Object.values(mix).reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9)
    const random = mulberry32(7)
    const counts = new Map(actions.map((action) => [action, 0]))
    for (let draw = 0; draw < draws; draw++) {
      const action = pick(mix, random)
      counts.set(action, counts.get(action)! + 1)
    }
    for (const action of actions) {
      assert.ok(Math.abs(counts.get(action)! / draws - mix[action]) < 0.01, `${name} ${action}`)
    }
  }
})

test('every action notes first that a user was seen', async () => {
  for (const action of actions) assert.equal(await seenDuring(() => perform(action)), 1, action)
})

test('creating leads to what was created', async () => {
  const posts = await count('posts')
  const post = await perform('post_create')
  assert.equal(post.status, 302)
  const page = await site.visitor().read(`/posts/${postIdOf(post)}`)
  assert.match(page, /<h1>Post [0-9a-f]{8}-/)
  assert.equal(await count('posts'), posts + 1)

  const comments = await count('comments')
  const comment = await perform('comment_create')
  assert.equal(comment.status, 302)
  assert.match(
    await site.visitor().read(`/posts/${postIdOf(comment)}`),
    new RegExp(`id="comment_${commentIdOf(comment)}"`),
  )
  assert.equal(await count('comments'), comments + 1)
})

test('destroying leads to where it was', async () => {
  const comments = await count('comments')
  const comment = await perform('comment_destroy')
  assert.equal(comment.status, 302)
  assert.equal((await site.visitor().get(`/posts/${postIdOf(comment)}`)).status, 200)
  assert.equal(await count('comments'), comments - 1)

  const posts = await count('posts')
  const post = await perform('post_destroy')
  assert.deepEqual([post.status, post.headers.get('location')], [302, '/posts'])
  assert.equal(await count('posts'), posts - 1)
})

test('reading answers with a page', async () => {
  for (const action of ['post_show', 'posts_index', 'user_show']) {
    const response = await perform(action)
    assert.equal(response.status, 200)
    assert.match(await response.text(), /^<!doctype html>.*<\/html>$/s)
  }
})

test('a mix performs one of its actions', async () => {
  for (const name of Object.keys(mixes)) assert.ok([200, 302].includes((await perform(name)).status))
})

test('without rows there is nothing to choose: a 404, never a 500', async () => {
  const empty = await openSite()
  await empty.queries.deleteFrom('posts').execute()
  const statuses = async () =>
    Promise.all(
      actions.map(async (name) => [
        name,
        (await empty.app.request(`/benchmarking/${name}`, { method: 'POST' })).status,
      ]),
    )
  const withoutPosts = Object.fromEntries(await statuses()) as Record<string, number>
  assert.equal(withoutPosts['comment_destroy'], 404)
  await empty.queries.deleteFrom('users').execute()
  assert.ok((await statuses()).every(([, status]) => status === 404))
})
