import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import type { Database } from '../../database/index.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const posted = unchecked<unknown>()
const asUser = (user: string) => ({ headers: { 'x-user': user } })
const authenticate = (request: Request) => {
  const id = request.headers.get('x-user')
  return id === null ? undefined : id === 'banned' ? (false as const) : { id }
}

/** Members are rows; `isSlow` answers a turn later. */
function members(isSlow: boolean) {
  const isMember = (database: Database, user: unknown) =>
    database.get('select 1 from members where user = ?', [String(user)]) !== undefined
  return defineChannel({
    name: 'room/:id',
    messages: { posted },
    authorize: ({ user, database }) => {
      const answer = isMember(database, user?.id)
      return isSlow ? new Promise((resolve) => setTimeout(resolve, 5, answer)) : answer
    },
  })
}

async function withMembers(isSlow: boolean, ...users: string[]): Promise<RealtimeServer> {
  const server = await RealtimeServer.start({ channels: [members(isSlow)], authenticate })
  await server.database.run('create table members (user text primary key) strict')
  for (const user of users) await server.database.run('insert into members values (?)', [user])
  return server
}

const forbidden = (id: number) => ({
  error: { code: 'forbidden', message: 'This channel is not for you' },
  id,
})

test('who may not is refused, by answer and by exception; only true is a yes', async () => {
  const answers: Record<string, () => boolean> = {
    no: () => false,
    truthy: () => 'yes' as unknown as boolean,
    throws: () => {
      throw new Error('no')
    },
    yes: () => true,
  }
  const channel = defineChannel({
    name: 'try/:id',
    messages: { posted },
    authorize: ({ params }) => answers[params.id]!(),
  })
  await using server = await RealtimeServer.start({ channels: [channel] })
  using client = await TestClient.connect(server.url)
  assert.deepEqual(await client.subscribe('try/no'), forbidden(1))
  assert.deepEqual(await client.subscribe('try/truthy'), forbidden(2))
  assert.partialDeepStrictEqual(await client.subscribe('try/throws'), { error: { code: 'failed' } })
  assert.partialDeepStrictEqual(await client.subscribe('other'), { error: { code: 'unknown-channel' } })
  assert.partialDeepStrictEqual(await client.subscribe('handcar.control'), {
    error: { code: 'unknown-channel' },
  })
  assert.partialDeepStrictEqual(await client.subscribe('try/yes'), { subscribed: 'try/yes' })
})

test('an authorize that does not answer is a no', async () => {
  const clock = new FakeClock()
  const channel = defineChannel({ name: 'try', messages: { posted }, authorize: () => new Promise(() => {}) })
  await using server = await RealtimeServer.start({ channels: [channel], clock })
  using client = await TestClient.connect(server.url)
  client.say({ subscribe: 'try', id: 1 })
  await waitUntil('it is asked', () => server.connections.stats().subscriptions === 1)
  clock.advance(10_000)
  assert.partialDeepStrictEqual(await client.answer(1), { error: { code: 'failed' } })
})

for (const isSlow of [false, true])
  test(`nothing that follows the loss of a right arrives, with ${isSlow ? 'an asynchronous' : 'a synchronous'} authorize`, async () => {
    await using server = await withMembers(isSlow, 'ann', 'bob')
    using ann = await TestClient.connect(server.url, asUser('ann'))
    using bob = await TestClient.connect(server.url, asUser('bob'))
    for (let round = 0; round < 20; round++) {
      await Promise.all([ann.subscribe('room/1'), bob.subscribe('room/1')])
      ann.messages.length = bob.messages.length = 0
      const allowed = Array.from({ length: 20 }, () => server.publish('room/1', 'posted', 'for both'))
      const revoked = server.database.write((tx) => {
        tx.run(`delete from members where user = 'bob'`)
        void server.publish('room/1', 'posted', 'before')
        void server.control('reauthorize', { user: 'bob' })
        void server.publish('room/1', 'posted', 'secret')
      })
      const later = Array.from({ length: 20 }, () => server.publish('room/1', 'posted', 'secret'))
      await Promise.all([...allowed, revoked, ...later])
      await ann.untilReceived(42)
      const { unsubscribed, code } = await bob.until('the news', 'unsubscribed')
      assert.deepEqual([unsubscribed, code], ['room/1', 'forbidden'])
      assert.ok(!bob.data.includes('secret'))
      assert.equal(bob.received.length, 21)
      await server.database.run(`insert into members values ('bob')`)
    }
  })

test('who keeps the right gets everything, in order, while the question is open', async () => {
  await using server = await withMembers(true, 'ann')
  using ann = await TestClient.connect(server.url, asUser('ann'))
  await ann.subscribe('room/1')
  for (let count = 0; count < 200; count++) {
    void server.publish('room/1', 'posted', count)
    if (count % 10 === 0) void server.control('reauthorize', { channel: 'room/1' })
  }
  await ann.untilReceived(200)
  assert.deepEqual(
    ann.data,
    Array.from({ length: 200 }, (_, index) => index),
  )
})

test('a right that is lost while it is asked for is asked for again', async () => {
  const questions: ((answer: boolean) => void)[] = []
  const channel = defineChannel({
    name: 'slow',
    messages: { posted },
    authorize: () => new Promise((resolve) => questions.push(resolve)),
  })
  await using server = await RealtimeServer.start({ channels: [channel] })
  using client = await TestClient.connect(server.url)
  client.say({ subscribe: 'slow', id: 1 })
  await waitUntil('it is asked', () => questions.length === 1)
  const at = await server.control('reauthorize', {})
  await waitUntil('that was read', () => server.followed.feed.position === at)
  questions[0]!(true)
  await waitUntil('it is asked again', () => questions.length === 2)
  questions[1]!(false)
  assert.deepEqual(await client.answer(1), forbidden(1))
})

test('disconnect ends the subscriptions of a channel, or the connections of a user', async () => {
  await using server = await withMembers(false, 'ann', 'bob')
  using ann = await TestClient.connect(server.url, asUser('ann'))
  using bob = await TestClient.connect(server.url, asUser('bob'))
  await ann.subscribe('room/1')
  await bob.subscribe('room/1')
  await server.control('disconnect', { channel: 'room/1', user: 'ann', reason: 'Enough' })
  assert.deepEqual(await ann.until('the news', 'unsubscribed'), {
    unsubscribed: 'room/1',
    code: 'disconnected',
    reason: 'Enough',
  })
  await server.control('disconnect', { user: 'bob', reason: 'Logged out' })
  assert.deepEqual(await bob.untilClosed(), { code: 1012, reason: 'Logged out' })
  assert.deepEqual(bob.messages.at(-1), { bye: { in: 0, reason: 'Logged out' } })
  assert.equal(ann.closed, undefined)
})

test('who is refused, and whose time is over, is told by a close code', async () => {
  const clock = new FakeClock()
  await using server = await RealtimeServer.start({
    channels: [],
    clock,
    authenticate: (request) =>
      request.headers.get('x-user') === 'banned'
        ? false
        : { id: 1, expiresAt: clock.now() + Number(request.headers.get('x-for')) },
  })
  using banned = new TestClient(server.url, asUser('banned'))
  assert.equal((await banned.untilClosed()).code, 4001)
  using short = await TestClient.connect(server.url, { headers: { 'x-for': '6000' } })
  using long = await TestClient.connect(server.url, { headers: { 'x-for': '60000' } })
  clock.advance(11_000)
  assert.equal((await short.untilClosed()).code, 4001)
  assert.equal(long.closed, undefined)
})

test('a user without an id is a mistake of authenticate, and nobody', async () => {
  const answers = [{ name: 'Ann' }, { id: null }, { id: '' }, 'ann', true, { id: Number.NaN }]
  await using server = await RealtimeServer.start({
    channels: [],
    authenticate: () => answers.shift() as never,
  })
  while (answers.length > 0) assert.equal((await fetch(`${server.url}?channel=room/1`)).status, 503)
  assert.equal(server.logger.lines.length, 6)
  assert.match(
    String(server.logger.lines[0]!.fields['err']),
    /authenticate\(\) returned .*: expected a user with an `id`/,
  )
})

test('a database that fails while a channel is subscribed fails the subscribe, not the process', async () => {
  await using server = await withMembers(true, 'ann')
  using ann = await TestClient.connect(server.url, asUser('ann'))
  await server.database.run('alter table handcar_trimmed rename to elsewhere')
  const from = `${server.followed.feed.epoch}.0`
  assert.deepEqual(await ann.subscribe('room/1', { from }), {
    error: { code: 'failed', message: 'The channel could not be subscribed' },
    id: 1,
  })
  await server.database.run('alter table elsewhere rename to handcar_trimmed')
  assert.partialDeepStrictEqual(await ann.subscribe('room/1', { from }), { recovered: true })
})

test('rights that may have been lost unnoticed, because retention took what told of them, are asked for anew', async () => {
  await using server = await withMembers(false, 'ann')
  using ann = await TestClient.connect(server.url, asUser('ann'))
  await ann.subscribe('room/1')
  await server.database.write((tx) => {
    tx.run('delete from members')
    void server.control('reauthorize', {})
    tx.run(`delete from handcar_messages where channel = 'handcar.control'`)
    tx.run(`insert into handcar_trimmed values ('handcar.control', 1, 0)`)
    tx.run(`insert into handcar_messages (offset, channel, type) values (2, 'room/1', 'secret')`)
    tx.touch('handcar.realtime')
  })
  assert.equal((await ann.untilClosed()).code, 1012)
  assert.deepEqual(ann.received, [])
})

test('after the log has gone back rights are asked for anew', async () => {
  await using server = await withMembers(false, 'ann', 'bob')
  using ann = await TestClient.connect(server.url, asUser('ann'))
  using bob = await TestClient.connect(server.url, asUser('bob'))
  for (const each of [ann, bob]) await each.subscribe('room/1')
  for (let count = 0; count < 3; count++) await server.publish('room/1', 'posted', 1)
  await Promise.all([ann.untilReceived(3), bob.untilReceived(3)])
  await server.database.write((tx) => {
    tx.run('delete from handcar_messages where offset > 1')
    tx.run(`delete from members where user = 'ann'`)
    tx.touch('handcar.realtime')
  })
  assert.partialDeepStrictEqual(await ann.until('the end', 'unsubscribed'), { code: 'forbidden' })
  await bob.until('a gap', 'gap')
  await server.publish('room/1', 'posted', 'later')
  await bob.untilReceived(4)
  assert.equal(ann.received.length, 3)
})

test('a long reason ends all the same, for everybody', async () => {
  await using server = await withMembers(false, 'ann')
  const anns = await Promise.all([1, 2, 3].map(() => TestClient.connect(server.url, asUser('ann'))))
  await server.control('disconnect', { user: 'ann', reason: 'é'.repeat(200) })
  for (const ann of anns) {
    assert.deepEqual(await ann.untilClosed(), { code: 1012, reason: 'é'.repeat(61) })
    assert.equal((await ann.until('a goodbye', 'bye')).bye.reason, 'é'.repeat(200))
  }
})
