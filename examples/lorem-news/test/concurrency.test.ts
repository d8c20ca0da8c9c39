import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audit, isConsistent } from '../src/database/audit.ts'
import { openSite, seededFolder } from './helpers/site.ts'
import { postIdOf } from './helpers/visitor.ts'

const data = await seededFolder()
const site = await openSite({ data })
/** Stands for another process on the same file: it has connections of its own. */
const other = await openSite({ data })
const member = await site.member('peggy')

const statuses = async (requests: Promise<Response>[]) =>
  (await Promise.all(requests)).map((response) => response.status)

test('of 32 posts with one title at the same moment, exactly one is saved', async () => {
  const headers = { cookie: member.cookie, 'sec-fetch-site': 'same-origin' }
  const body = () => new URLSearchParams({ title: 'There can be only one', description: 'A text.' })
  const answers = await statuses(
    Array.from({ length: 32 }, async (_, index) =>
      (index % 2 ? site : other).app.request('/posts', { method: 'POST', body: body(), headers }),
    ),
  )
  assert.deepEqual(
    answers.toSorted((a, b) => a - b),
    [303, ...Array.from({ length: 31 }, () => 422)],
  )
})

test('comments on a post that is being deleted are saved or find nothing; none is left over', async () => {
  for (let round = 0; round < 10; round++) {
    const fields = { title: `Deleted in round ${round}`, description: 'A text.' }
    const id = postIdOf(await member.post('/posts', fields))
    const comment = (index: number) =>
      (index % 2 ? site : other).app.request(`/posts/${id}/comments`, {
        method: 'POST',
        body: new URLSearchParams({ body: `Comment ${index}` }),
        headers: { cookie: member.cookie, 'sec-fetch-site': 'same-origin' },
      })
    const before = Array.from({ length: 8 }, async (_, index) => comment(index))
    const removal = member.delete(`/posts/${id}`)
    const behind = Array.from({ length: 8 }, async (_, index) => comment(index))
    assert.equal((await removal).status, 303)
    for (const status of await statuses([...before, ...behind]))
      assert.ok(status === 303 || status === 404, `${status}`)
    const left = await site.queries.selectFrom('comments').select('id').where('post_id', '=', id).execute()
    assert.deepEqual(left, [])
  }
})

test('somebody who deletes their account while writing gets no error, and nothing stays behind', async () => {
  for (let round = 0; round < 5; round++) {
    const leaver = await site.member(`leaver_${round}`)
    const title = `Parting words ${round}`
    const comments = Array.from({ length: 4 }, () =>
      leaver.post('/posts/2/comments', { body: 'A last word.' }),
    )
    const removal = leaver.delete('/user')
    const posts = Array.from({ length: 4 }, (_, index) =>
      leaver.post('/posts', { title: `${title} ${index}`, description: 'A text.' }),
    )
    assert.equal((await removal).status, 303)
    for (const status of await statuses([...comments, ...posts]))
      assert.ok([303, 404].includes(status), `${status}`)
  }
  const left = site.queries.selectFrom('posts').select('id').where('title', 'like', 'Parting words%')
  assert.deepEqual(await left.execute(), [])
})

test('a storm of every benchmark action, from two sides, never fails and leaves exact counters', async () => {
  const storm = Array.from({ length: 600 }, async (_, index) =>
    (index % 2 ? site : other).app.request('/benchmarking/write_heavy', { method: 'POST' }),
  )
  for (const status of await statuses(storm)) assert.ok([200, 302, 404].includes(status), `${status}`)
  const report = await audit(site.path)
  assert.ok(isConsistent(report), JSON.stringify(report))
})

test('a counter that does not fit the rows is found', async () => {
  // Which posts the storm has left is a matter of chance.
  const { id } = await site.queries.selectFrom('posts').select('id').limit(1).executeTakeFirstOrThrow()
  await site.queries.updateTable('posts').set({ comments_count: 99 }).where('id', '=', id).execute()
  const report = await audit(site.path)
  assert.equal(report.wrongCounters.posts, 1)
  assert.ok(!isConsistent(report))
})
