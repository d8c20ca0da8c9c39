import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'handcar/database'
import { assertEnqueued, drainJobs, FakeClock, performOne, refuteEnqueued } from 'handcar/testing'
import { dailyDigest, digestMail, repairCounters, welcomeMail } from '../src/jobs/index.ts'
import { openSite, seededAt } from './helpers/site.ts'

const day = new Date(seededAt).toISOString().slice(0, 10)
const clock = new FakeClock(seededAt)
const site = await openSite({ clock })
const { jobs, database } = site.handcar

test('whoever signs up is sent one mail, and whoever cannot is sent none', async () => {
  const visitor = await site.member('alice_1')
  const user = await site.queries
    .selectFrom('users')
    .select('id')
    .where('screen_name', '=', 'alice_1')
    .executeTakeFirstOrThrow()
  assertEnqueued(jobs, welcomeMail, { payload: { userId: user.id }, queue: 'mail' })
  const taken = await site.visitor().post('/users', { screen_name: 'ALICE_1', password: 'correct horse' })
  assert.equal(taken.status, 422)
  assert.equal((await drainJobs(jobs)).completed, 1)
  refuteEnqueued(jobs, welcomeMail)
  const mailbox = await visitor.read('/mailbox')
  assert.match(mailbox, /Welcome to Lorem News, alice_1/)
  assert.equal(mailbox.match(/Welcome to/g)?.length, 1)
})

test('a mail that was delivered is not delivered again, however often its job is tried', async () => {
  await site.member('bob_1')
  const count = () => database.get<{ count: number }>('select count(*) as count from mails')!.count
  const before = count()
  const { id, state } = await performOne(jobs, welcomeMail)
  assert.equal(state, 'completed')
  // As if the process had died after the mail, and before it was written down that the step is done.
  await database.run(sql`
    update handcar_job_steps set state = 'running', result = null, finished_at = null where job_id = ${id}`)
  await database.run(
    sql`update handcar_jobs set state = 'available', finished_at = null, attempt = 0 where id = ${id}`,
  )
  assert.equal((await performOne(jobs, welcomeMail)).state, 'completed')
  assert.equal(count(), before + 1)
})

test('an account that is gone by then is sent nothing', async () => {
  const visitor = await site.member('carl_1')
  await visitor.delete('/user')
  const { state, reason } = await performOne(jobs, welcomeMail)
  assert.deepEqual([state, reason], ['discarded', 'the account is gone'])
})

test('the digest goes to everybody who has something to read, and is summed up', async () => {
  const digest = await jobs.enqueue(dailyDigest, { day })
  await performOne(jobs, dailyDigest)
  assert.equal(digest.state(), 'completed')
  const mails = assertEnqueued(jobs, digestMail, { payload: { day } })
  assert.ok(mails.length >= 100, `${mails.length}`)
  const { failures } = await drainJobs(jobs)
  assert.deepEqual(failures, [])
  const summary = database.get<{ posts: number; mails: number }>(
    sql`select * from digests where day = ${day}`,
  )!
  assert.equal(summary.mails, mails.length)
  assert.ok(summary.posts > 0)
  const page = await site.visitor().read('/mailbox')
  assert.match(page, new RegExp(`${day}: ${summary.posts} posts, sent to ${mails.length} readers`))
  const own = database.get<{ subject: string; body: string }>(sql`
    select subject, body from mails where user_id = 1 and subject like 'Lorem News of%'`)!
  assert.equal(own.subject, `Lorem News of ${day}`)
  assert.doesNotMatch(own.body, /by natus_000$/m)
})

test('a day on which nobody wrote has a digest that nobody gets', async () => {
  await jobs.enqueue(dailyDigest, { day: '2001-01-01' })
  assert.deepEqual((await drainJobs(jobs)).failures, [])
  const digest = database.get(sql`select posts, mails from digests where day = '2001-01-01'`)
  assert.deepEqual(digest, { posts: 0, mails: 0 })
})

test('wrong counters are put right, and right ones are left alone', async () => {
  const wrong = sql`
    select count(*) as count from posts
    where comments_count <> (select count(*) from comments where post_id = posts.id)
      or votes_count <> (select count(*) from votes where post_id = posts.id)`
  await database.run('update users set posts_count = posts_count + 1 where id in (1, 50)')
  await database.run('update posts set comments_count = 0, votes_count = 5 where id in (1, 400, 900)')
  const handle = await jobs.enqueue(repairCounters)
  assert.deepEqual((await performOne(jobs, repairCounters)).result, { users: 2, posts: 3 })
  assert.equal(handle.state(), 'completed')
  assert.deepEqual(database.get(wrong), { count: 0 })
  await jobs.enqueue(repairCounters)
  assert.deepEqual((await performOne(jobs, repairCounters)).result, { users: 0, posts: 0 })
})

test('the night repairs and the morning sends, in the time of their zones, each day once', async () => {
  clock.set(Date.UTC(2026, 5, 1))
  const ran = () =>
    jobs.recurring.list().map(({ name, lastAt }) => [name, lastAt?.toISOString().slice(0, 16)])
  const { failures } = await drainJobs(jobs, { withScheduled: '2d' })
  assert.deepEqual(failures, [])
  assert.deepEqual(ran(), [
    ['daily-digest-every-morning', '2026-06-02T04:00'],
    ['repair-counters-every-night', '2026-06-02T03:30'],
  ])
  const days = database.all<{ day: string }>("select day from digests where day like '2026-%' order by day")
  // The first is of the last morning that nobody was there for.
  assert.deepEqual(
    days.map(({ day }) => day),
    ['2026-05-30', '2026-05-31', '2026-06-01'],
  )
})

test('the mailbox is there in development only', async () => {
  const { createApp, privately } = await import('./helpers/site.ts')
  const app = createApp(site.database, { origin: undefined, benchmarking: false, ...privately, jobs })
  assert.equal((await app.request('/mailbox')).status, 404)
})
