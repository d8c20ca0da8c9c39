import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const posted = unchecked<unknown>()
const room = defineChannel({ name: 'room/:id', public: true, messages: { posted } })
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('150 clients that come back at once get what they have missed while messages go on', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  await server.database.write(() => {
    for (let count = 1; count <= 500; count++) void server.publish('room/1', 'posted', 'x'.repeat(100))
  })
  await waitUntil('all are there', () => server.followed.feed.position === 500)
  const { epoch } = server.followed.feed
  const done = new AbortController()
  const publishing = (async () => {
    for (;;) {
      const offset = await server.publish('room/1', 'posted', 'y')
      if (done.signal.aborted) return offset
    }
  })()
  const clients = range(1, 150).map(() => new TestClient(server.url))
  for (const [index, client] of clients.entries())
    client.socket.on('open', () => client.say({ subscribe: 'room/1', id: 1, from: `${epoch}.${index}` }))
  await Promise.all(clients.map((client, index) => client.untilReceived(500 - index, 60_000)))
  done.abort()
  const last = await publishing
  for (const [index, client] of clients.entries()) {
    await waitUntil('it has the last one', () => client.offsets.at(-1) === last)
    assert.deepEqual(client.offsets, range(index + 1, last))
    client.socket.terminate()
  }
})

test('clients that come and go while messages flow leave nothing behind, and others miss nothing', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using watcher = await TestClient.of(server.url, 'room/1')
  const first = server.followed.feed.position
  const done = new AbortController()
  const publishing = (async () => {
    while (!done.signal.aborted) await server.publish('room/1', 'posted', 'x'.repeat(1_000))
  })()
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(range(1, 10).map(() => TestClient.of(server.url, 'room/1', 'room/2')))
    for (const [index, client] of clients.entries())
      if (index % 2 === 0) client.socket.close()
      else client.socket.terminate()
  }
  done.abort()
  await publishing
  await waitUntil('they are gone', () => server.connections.stats().connections === 1)
  await waitUntil('the watcher has all', () => watcher.offsets.at(-1) === server.followed.feed.position)
  assert.deepEqual(watcher.offsets, range(first + 1, server.followed.feed.position))
  assert.partialDeepStrictEqual(server.connections.stats(), { subscriptions: 1, channels: 1, behind: 0 })
})

test('a filter that fails hides the message, from live clients and from those that come back', async () => {
  const picky = defineChannel({
    name: 'picky',
    public: true,
    messages: { posted },
    filter: ({ data }) => (data as { list: unknown[] }).list.length > 0,
  })
  await using server = await RealtimeServer.start({ channels: [picky] })
  using live = await TestClient.of(server.url, 'picky')
  await server.publish('picky', 'posted', { list: [1] })
  await server.publish('picky', 'posted', null)
  await server.publish('picky', 'posted', { list: [1] })
  await live.untilReceived(2)
  using late = await TestClient.connect(server.url)
  await late.subscribe('picky', { from: `${server.followed.feed.epoch}.0` })
  await late.untilReceived(2)
  assert.deepEqual(
    [live.offsets, late.offsets],
    [
      [1, 3],
      [1, 3],
    ],
  )
})

test('presence: all of them at first, then who comes and goes; a second subscribe changes the metadata', async () => {
  const lobby = defineChannel({
    name: 'lobby',
    public: true,
    messages: { posted },
    presence: { user: (user: { id: string; name: string }) => ({ name: user.name }) },
  })
  await using server = await RealtimeServer.start({
    channels: [lobby],
    authenticate: (request) => {
      const id = request.headers.get('x-user')!
      return { id, name: id.toUpperCase() }
    },
  })
  const headers = (user: string) => ({ headers: { 'x-user': user } })
  const presences = (client: TestClient) => client.messages.filter((message) => 'presence' in message)
  using ann = await TestClient.connect(server.url, headers('ann'))
  await ann.subscribe('lobby', { presence: { mood: 'good' } })
  await waitUntil('ann sees herself', () => presences(ann).length > 0)
  using bob = await TestClient.connect(server.url, headers('bob'))
  await bob.subscribe('lobby', { presence: { mood: 'bad', name: 'Ann' } })
  await waitUntil('bob sees both', () => presences(bob).some(({ present }) => present?.length === 2))
  const joined = () => presences(ann).flatMap((message) => message.joined ?? [])
  await waitUntil('ann sees bob', () => joined().some(({ user }) => user === 'bob'))
  assert.deepEqual(joined().find(({ user }) => user === 'bob')!.metadata, { mood: 'bad', name: 'BOB' })
  await bob.subscribe('lobby', { presence: { mood: 'better' } })
  await waitUntil('ann sees his mood', () =>
    joined().some(({ metadata }) => (metadata as { mood: string }).mood === 'better'),
  )
  bob.say({ unsubscribe: 'lobby', id: 99 })
  await waitUntil('ann sees him go', () => presences(ann).some(({ left }) => left?.[0]?.user === 'bob'))
})
