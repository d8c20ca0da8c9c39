import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineChannel } from '../channels/define-channel.ts'
import { unchecked } from '../channels/channel-types.ts'

const any = unchecked<unknown>()
const room = defineChannel({ name: 'room/:id', public: true, messages: { posted: any } })

test('a subscription gets each message of its channel once, in order, and none of others', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using client = await TestClient.of(server.url, 'room/1', 'room/3')
  for (let count = 0; count < 30; count++) void server.publish(`room/${count % 5}`, 'posted', count)
  await client.untilReceived(12)
  assert.deepEqual(client.data, [1, 3, 6, 8, 11, 13, 16, 18, 21, 23, 26, 28])
  assert.deepEqual(
    client.offsets,
    client.data.map((number) => number + 1),
  )
})

test('a subscribe from a position gets what came since, then goes on live without a seam', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  for (let count = 1; count <= 2_000; count++) void server.publish('room/1', 'posted', 'x'.repeat(200))
  await waitUntil('all are there', () => server.followed.feed.position === 2_000)
  const { epoch } = server.followed.feed
  using client = await TestClient.connect(server.url)
  const done = new AbortController()
  const publishing = (async () => {
    for (let count = 0; !done.signal.aborted; count++) await server.publish('room/1', 'posted', count)
  })()
  const answer = await client.subscribe('room/1', { from: `${epoch}.500` })
  assert.deepEqual(answer, { subscribed: 'room/1', id: 1, position: `${epoch}.500`, recovered: true })
  await client.untilReceived(1_700)
  done.abort()
  await publishing
  await client.untilReceived(server.followed.feed.position - 500)
  assert.deepEqual(
    client.offsets,
    Array.from(client.offsets, (_, index) => 501 + index),
  )
})

test('several channels from different positions are merged into the order of the log', async () => {
  await using server = await RealtimeServer.start({ channels: [room], memory: 0 })
  for (let count = 0; count < 3_000; count++)
    void server.publish(`room/${count % 3}`, 'posted', 'y'.repeat(100))
  await waitUntil('all are there', () => server.followed.feed.position === 3_000)
  const { epoch } = server.followed.feed
  using client = await TestClient.connect(server.url)
  client.say({ subscribe: 'room/0', id: 1, from: `${epoch}.0` })
  client.say({ subscribe: 'room/1', id: 2, from: `${epoch}.2000` })
  client.say({ subscribe: 'room/2', id: 3, from: `${epoch}.2990` })
  await client.untilReceived(1_000 + 333 + 4)
  for (const channel of ['room/0', 'room/1', 'room/2']) {
    const offsets = client.received
      .filter((message) => message.channel === channel)
      .map(({ offset }) => offset!)
    assert.deepEqual(
      offsets,
      offsets.toSorted((one, other) => one - other),
    )
    assert.equal(new Set(offsets).size, offsets.length)
  }
})

test('a position that is lost is a gap, and the subscription goes on from now', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  await server.publish('room/1', 'posted', 1)
  await waitUntil('it is there', () => server.followed.feed.position === 1)
  const { epoch } = server.followed.feed
  using client = await TestClient.connect(server.url)
  const lost = { position: `${epoch}.1`, recovered: false }
  for (const from of ['other.1', `${epoch}.99`, 'nonsense', '', `${epoch}.-1`, `${epoch}.1e999`])
    assert.partialDeepStrictEqual(await client.subscribe('room/1', { from }), lost)
  await server.database.run(`insert into handcar_trimmed values ('room/1', 1, 0)`)
  assert.partialDeepStrictEqual(await client.subscribe('room/1', { from: `${epoch}.0` }), lost)
  await server.publish('room/1', 'posted', 2)
  await client.untilReceived(1)
  assert.deepEqual(client.data, [2])
})

test('who is ahead of this process waits for it, and gets nothing twice', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using client = await TestClient.connect(server.url)
  const { epoch } = server.followed.feed
  const offset = await server.publish('room/1', 'posted', 'seen by the page')
  // Its answer may come before or after this process has read the message.
  client.say({ subscribe: 'room/1', id: 1, from: `${epoch}.${offset}` })
  await server.publish('room/1', 'posted', 'new')
  await client.untilReceived(1)
  assert.deepEqual(client.data, ['new'])
})

test('a new epoch is a gap for everybody', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using client = await TestClient.of(server.url, 'room/1')
  await server.followed.log.newEpoch()
  const { gap, position } = await client.until('a gap', 'gap')
  assert.deepEqual([gap, position], ['room/1', `${server.followed.feed.epoch}.0`])
  await server.publish('room/1', 'posted', 1)
  await client.untilReceived(1)
})

test('replay: the latest message only, or none', async () => {
  const latest = defineChannel({ name: 'score/:id', public: true, replay: 'latest', messages: { now: any } })
  const none = defineChannel({ name: 'news/:id', public: true, replay: 'none', messages: { now: any } })
  await using server = await RealtimeServer.start({ channels: [latest, none] })
  for (let count = 1; count <= 5; count++)
    await Promise.all([server.publish('score/1', 'now', count), server.publish('news/1', 'now', count)])
  await waitUntil('all are there', () => server.followed.feed.position === 10)
  const { epoch } = server.followed.feed
  using client = await TestClient.connect(server.url)
  assert.partialDeepStrictEqual(await client.subscribe('score/1'), { recovered: true })
  assert.partialDeepStrictEqual(await client.subscribe('news/1', { from: `${epoch}.3` }), {
    recovered: false,
  })
  assert.partialDeepStrictEqual(await client.subscribe('news/1', { from: `${epoch}.10` }), {
    recovered: true,
  })
  await client.untilReceived(1)
  await server.publish('news/1', 'now', 6)
  await client.untilReceived(2)
  assert.deepEqual(client.data, [5, 6])
})

test('a filter decides for each user, live and in a replay', async () => {
  const mine = defineChannel({
    name: 'inbox',
    public: true,
    messages: { mail: unchecked<{ to: string }>() },
    filter: ({ data }, user) => (data as { to: string }).to === user?.id,
  })
  await using server = await RealtimeServer.start({
    channels: [mine],
    authenticate: (request) => ({ id: request.headers.get('x-user')! }),
  })
  const headers = (user: string) => ({ headers: { 'x-user': user } })
  using ann = await TestClient.connect(server.url, headers('ann'))
  await ann.subscribe('inbox')
  for (const to of ['ann', 'bob', 'ann', 'bob']) await server.publish('inbox', 'mail', { to })
  using bob = await TestClient.connect(server.url, headers('bob'))
  await bob.subscribe('inbox', { from: `${server.followed.feed.epoch}.0` })
  await server.publish('inbox', 'mail', { to: 'bob' })
  await ann.untilReceived(2)
  await bob.untilReceived(3)
  assert.deepEqual(
    [ann.offsets, bob.offsets],
    [
      [1, 3],
      [2, 4, 5],
    ],
  )
})

test('an unsubscribed channel is silent; its neighbours are not', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using client = await TestClient.of(server.url, 'room/1', 'room/2')
  client.say({ unsubscribe: 'room/1', id: 9 })
  assert.deepEqual(await client.answer(9), { unsubscribed: 'room/1', id: 9 })
  await server.publish('room/1', 'posted', 1)
  await server.publish('room/2', 'posted', 2)
  await client.untilReceived(1)
  assert.deepEqual(client.data, [2])
})

test('ephemeral messages reach who is live', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using client = await TestClient.of(server.url, 'room/1')
  server.connections.deliver({ channel: 'room/1', type: 'typing', data: '{"name":"Ann"}' })
  server.connections.deliver({ channel: 'room/2', type: 'typing', data: '{}' })
  await client.untilReceived(1)
  assert.deepEqual(client.received, [{ channel: 'room/1', type: 'typing', data: { name: 'Ann' } }])
})

test('10,000 channels on one server cost each message no more than its own', async () => {
  await using server = await RealtimeServer.start({ channels: [room], limits: { channels: 10_000 } })
  using client = await TestClient.connect(server.url)
  for (let id = 0; id < 10_000; id++) client.say({ subscribe: `room/${id}`, id })
  await waitUntil('all are subscribed', () => server.connections.stats().subscriptions === 10_000)
  using other = await TestClient.of(server.url, 'room/77')
  await server.database.write(() => {
    for (let id = 0; id < 10_000; id++) void server.publish(`room/${id}`, 'posted', id)
  })
  await client.untilReceived(10_000)
  await other.untilReceived(1)
  assert.deepEqual(
    client.data,
    Array.from({ length: 10_000 }, (_, id) => id),
  )
  assert.deepEqual(other.data, [77])
  client.socket.terminate()
  await waitUntil('its channels are forgotten', () => server.connections.stats().channels === 1)
})
