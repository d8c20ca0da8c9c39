import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database } from 'handcar/database'
import type { CompiledQuery } from 'kysely'
import { NaiveConnection } from '../src/benchmarking/naive/connection.ts'
import { actions } from '../src/benchmarking/mixes.ts'
import { openSite } from './helpers/site.ts'
import { commentIdOf, postIdOf } from './helpers/visitor.ts'

const site = await openSite({ mode: 'immediate-retry' })

/** Reading an index from its end is a scan to SQLite; the limit of the query ends it after 50 rows. */
const limitedScans = new Set(['SCAN posts USING INDEX posts_newest'])

/** Every statement that the app runs while something happens, through a connection that notes them down. */
async function statementsDuring(work: () => Promise<unknown>): Promise<Map<string, readonly unknown[]>> {
  const statements = new Map<string, readonly unknown[]>()
  // eslint-disable-next-line typescript/unbound-method
  const execute = NaiveConnection.prototype.executeQuery
  NaiveConnection.prototype.executeQuery = function <Row>(this: NaiveConnection, query: CompiledQuery) {
    statements.set(query.sql, query.parameters)
    return execute.call<NaiveConnection, [CompiledQuery], ReturnType<typeof execute<Row>>>(this, query)
  }
  try {
    await work()
  } finally {
    NaiveConnection.prototype.executeQuery = execute
  }
  return statements
}

async function everything() {
  const member = await site.member('quentin')
  const reader = site.visitor()
  await reader.post('/sessions', { screen_name: 'quentin', password: 'correct horse' })
  for (const path of ['/', '/posts/1', '/users/1', '/user/edit']) await member.get(path)
  const post = postIdOf(await member.post('/posts', { title: 'For the planner', description: 'A text.' }))
  await member.get(/href="(\/p\/\w+)"/.exec(await member.read(`/posts/${post}`))![1]!)
  const comment = commentIdOf(await member.post(`/posts/${post}/comments`, { body: 'A comment.' }))
  await member.read(
    `/users/${(await site.queries.selectFrom('users').select('id').where('screen_name', '=', 'quentin').executeTakeFirstOrThrow()).id}`,
  )
  for (const wanted of ['1', '0']) await member.post(`/posts/${post}/vote`, { is_for: wanted })
  await member.get(`/comments/${comment}/edit`)
  await member.patch(`/comments/${comment}`, { body: 'Another comment.' })
  await member.patch(`/posts/${post}`, { title: 'For the planner', description: 'Another text.' })
  await member.delete(`/comments/${comment}`)
  await member.delete(`/posts/${post}`)
  await member.patch('/user', { screen_name: 'quentin', password: 'another horse' })
  await member.delete(/\/sessions\/\d+/.exec(await member.read('/'))![0])
  for (const action of actions) await site.app.request(`/benchmarking/${action}`, { method: 'POST' })
  const leaver = await site.member('rupert')
  await leaver.delete('/user')
}

test('no query of the app reads a whole table or sorts', async () => {
  const statements = await statementsDuring(everything)
  await using database = new Database({ path: site.path })
  await database.start()
  const plannable = [...statements].filter(([text]) => /^(select|insert|update|delete)/.test(text))
  assert.ok(plannable.length > 30, `${plannable.length} statements`)
  for (const [text, parameters] of plannable) {
    const plan = await database.write((tx) =>
      tx
        .all<{ detail: string }>(`explain query plan ${text}`, parameters as string[])
        .map((step) => step.detail),
    )
    const bad = plan.filter(
      (step) => /^SCAN (?!CONSTANT ROW)|TEMP B-TREE/.test(step) && !limitedScans.has(step),
    )
    assert.deepEqual(bad, [], text)
  }
})

test('a page takes the same number of queries however many rows it shows', async () => {
  const count = async (path: string) => (await statementsDuring(() => site.visitor().get(path))).size
  assert.equal(await count('/'), 1)
  assert.equal(await count('/posts/1'), 2)
  assert.equal(await count('/users/1'), 3)
})
