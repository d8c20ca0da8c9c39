import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { audit, isConsistent } from '../src/database/audit.ts'
import { seedDatabase } from '../src/database/seed.ts'
import { generateSeeds } from '../src/seeds/generate.ts'
import { mulberry32 } from '../src/seeds/random.ts'
import { openSite, seededAt, seededFolder } from './helpers/site.ts'

const oneWeek = 7 * 24 * 60 * 60 * 1000

test('the generator gives the numbers of its reference', () => {
  const random = mulberry32(0)
  const first = [random(), random(), random()]
  assert.deepEqual(first, [0.26642920868471265, 0.0003297457005828619, 0.2232720274478197])
})

test('the seeds are the same on every machine', () => {
  const digest = createHash('sha256')
    .update(JSON.stringify(generateSeeds(seededAt)))
    .digest('hex')
  assert.equal(digest, 'c239c60db6bbfb9e7432a7d3da75ae7b26859fc1f34f4035020e8847412e2025')
})

test('there are as many rows as in the talks, within their limits', () => {
  const { users, posts, comments } = generateSeeds(seededAt)
  assert.equal(users.length, 100)
  assert.ok(posts.length > 950 && posts.length < 1_000, `${posts.length}`)
  assert.ok(comments.length > 9_500 && comments.length < 10_500, `${comments.length}`)
  const isInWeek = (at: number) => at >= seededAt - oneWeek && at <= seededAt
  assert.ok(users.every((user) => /^[a-z]+_\d{3}$/.test(user.screenName) && isInWeek(user.createdAt)))
  assert.ok(
    posts.every((post) => post.createdAt >= users[post.userId - 1]!.createdAt && post.createdAt <= seededAt),
  )
  assert.ok(comments.every((comment) => comment.createdAt >= posts[comment.postId - 1]!.createdAt))
  const averageLength = posts.reduce((sum, post) => sum + post.description.length, 0) / posts.length
  assert.ok(averageLength > 2_000 && averageLength < 3_500, `${averageLength}`)
})

test('the tables hold the seeds, with exact counters', async () => {
  const site = await openSite()
  const { users, posts, comments } = generateSeeds(seededAt)
  const report = await audit(site.path)
  assert.ok(isConsistent(report), JSON.stringify(report))
  assert.deepEqual(report.rows, {
    users: users.length,
    posts: posts.length,
    comments: comments.length,
    votes: 0,
    sessions: 0,
  })
})

test('a site that was emptied by its users is not filled again', async () => {
  const data = await seededFolder()
  const site = await openSite({ data })
  await site.queries.deleteFrom('users').execute()
  assert.equal(await seedDatabase(site.handcar.database), undefined)
  assert.deepEqual(await site.queries.selectFrom('users').select('id').execute(), [])
})
