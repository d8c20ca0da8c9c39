import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { TestStream } from '../../../test/helpers/realtime-stream.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'
import { Receipts } from './receipts.ts'

const posted = unchecked<unknown>()
const room = defineChannel({ name: 'room/:id', public: true, messages: { posted }, presence: true })
const asUser = (user: string) => ({ headers: { 'x-user': user } })

/** Answers to `authenticate`, given by the test. */
function doorkeeper() {
  const asked: { user: string; let: (isIn: boolean) => void }[] = []
  const authenticate = (request: Request) => {
    const { promise, resolve } = Promise.withResolvers<{ id: string } | false>()
    const user = request.headers.get('x-user')!
    asked.push({ user, let: (isIn) => resolve(isIn && { id: user }) })
    return promise
  }
  return { asked, authenticate }
}

test('who is disconnected while the handshake is answered is asked for again', async () => {
  const { asked, authenticate } = doorkeeper()
  await using server = await RealtimeServer.start({ channels: [room], authenticate })
  using ann = new TestClient(server.url, asUser('ann'))
  using bob = new TestClient(server.url, asUser('bob'))
  const stream = TestStream.open(`${server.url}?channel=room/1`, { 'x-user': 'ann' })
  stream.catch(() => {})
  await waitUntil('all are asked for', () => asked.length === 3)
  await server.control('disconnect', { user: 'ann', reason: 'logged out' })
  await waitUntil('it is obeyed', () => server.followed.feed.position === 1)
  for (const each of asked) each.let(true)
  await waitUntil('ann is asked for again', () => asked.length === 5)
  assert.deepEqual(
    asked.slice(3).map(({ user }) => user),
    ['ann', 'ann'],
  )
  for (const each of asked.slice(3)) each.let(false)
  assert.equal((await ann.untilClosed()).code, 4001)
  await assert.rejects(stream, /401/)
  await bob.until('a welcome', 'welcome')
  await server.control('disconnect', { reason: 'everybody' })
  assert.equal((await bob.untilClosed()).code, 1012)
  assert.equal(asked.length, 5)
})

test('rights that are lost in a slice that cannot be delivered are lost all the same', async () => {
  const channel = defineChannel({ name: 'broken', public: true, messages: { posted } })
  await using server = await RealtimeServer.start({ channels: [room, channel] })
  using client = await TestClient.of(server.url, 'room/1')
  using other = await TestClient.of(server.url, 'broken')
  const original = JSON.stringify
  JSON.stringify = ((value: unknown, ...more: []) => {
    if (value === 'poison') throw new Error('poisoned')
    return original(value, ...more)
  }) as typeof JSON.stringify
  try {
    await server.database.write(() => {
      void server.publish('broken', 'poison', 1)
      void server.control('disconnect', { channel: 'room/1', reason: 'over' })
      void server.publish('room/1', 'posted', 'secret')
    })
    await waitUntil('it is obeyed', () => server.followed.feed.position === 3)
    await client.until('the end of the channel', 'unsubscribed')
    // What cannot be framed cannot be caught up either.
    assert.equal((await other.untilClosed()).code, 1012)
  } finally {
    JSON.stringify = original
  }
  assert.ok(!client.data.includes('secret'))
})

test('a process that stood still takes nobody for dead whom it has not heard meanwhile', async () => {
  await using server = await RealtimeServer.start({ channels: [room], heartbeat: 100 })
  using client = await TestClient.of(server.url, 'room/1')
  for (let round = 0; round < 3; round++) {
    const until = performance.now() + 600
    while (performance.now() < until);
    const { length } = client.messages
    await waitUntil('it hears heartbeats', () => client.messages.length > length + 3)
  }
  assert.equal(client.closed, undefined)
})

test('a client whose messages take long to handle is not taken for dead', async () => {
  const clock = new FakeClock()
  const work = Promise.withResolvers<void>()
  const slow = defineChannel({
    name: 'slow',
    public: true,
    messages: { posted },
    send: { go: posted },
    onMessage: () => work.promise,
  })
  await using server = await RealtimeServer.start({ channels: [slow], clock })
  using client = await TestClient.of(server.url, 'slow')
  for (let id = 100; id < 164; id++) client.say({ send: 'slow', type: 'go', data: id, id })
  const [connection] = server.connections.census.all
  await waitUntil('it is not listened to', () => connection!.isPaused)
  for (let beat = 0; beat < 20; beat++) clock.advance(10_000)
  assert.equal(client.closed, undefined)
  work.resolve()
  assert.deepEqual(await client.answer(163), { ack: 163 })
  for (let beat = 0; beat < 5; beat++) clock.advance(5_000)
  assert.equal(server.connections.stats().connections, 1)
})

test('a client that asks for more than a client asks for is sent away, others are served', async () => {
  const clock = new FakeClock()
  await using server = await RealtimeServer.start({ channels: [room], clock })
  using honest = await TestClient.connect(server.url)
  for (let number = 0; number < 128; number++) await honest.subscribe(`room/${number}`)
  using flooding = await TestClient.connect(server.url)
  for (let id = 1; id <= 2_000; id++) flooding.say({ subscribe: 'room/1', id, presence: { id } })
  assert.equal((await flooding.untilClosed()).code, 4029)
  using pinging = await TestClient.connect(server.url)
  for (let ping = 1; ping <= 2_000; ping++) pinging.say({ ping })
  assert.equal((await pinging.untilClosed()).code, 4029)
  for (let round = 0; round < 50; round++) {
    clock.advance(1_000)
    for (let number = 0; number < 20; number++) await honest.subscribe(`room/${number}`)
  }
  assert.equal(honest.closed, undefined)
})

test('what somebody says of himself is small', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  using client = await TestClient.connect(server.url)
  const large = { about: 'x'.repeat(5_000) }
  assert.partialDeepStrictEqual(await client.subscribe('room/1', { presence: large }), {
    error: { code: 'too-large' },
  })
  assert.deepEqual(server.presence.list('room/1'), [])
  const small = { about: 'x'.repeat(3_000) }
  assert.partialDeepStrictEqual(await client.subscribe('room/1', { presence: small }), {
    subscribed: 'room/1',
  })
  await using stream = await TestStream.open(
    `${server.url}?channel=room/1&presence=${encodeURIComponent(JSON.stringify(large))}`,
  )
  await waitUntil('it is refused', () => stream.messages.some((message) => 'error' in message))
})

test('answers that are remembered take bounded memory', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  const receipts = new Receipts(server.database, new FakeClock())
  const large = JSON.stringify('x'.repeat(1_000_000))
  let handled = 0
  const handle = () => {
    handled++
    return Promise.resolve(large)
  }
  for (let key = 0; key < 100; key++) await receipts.inMemory(String(key), handle)
  assert.equal((await receipts.inMemory('99', handle)).isRepeated, true)
  assert.equal(handled, 100)
  assert.equal((await receipts.inMemory('0', handle)).isRepeated, false)
  assert.equal(handled, 101)
})

test('a position that nobody gave is a gap, whatever the channel replays', async () => {
  const none = defineChannel({ name: 'none', public: true, messages: { posted }, replay: 'none' })
  const latest = defineChannel({ name: 'latest', public: true, messages: { posted }, replay: 'latest' })
  await using server = await RealtimeServer.start({ channels: [none, latest] })
  await server.publish('none', 'posted', 1)
  await server.publish('latest', 'posted', 'the state')
  await waitUntil('they are there', () => server.followed.feed.position === 2)
  const { epoch } = server.followed.feed
  using client = await TestClient.connect(server.url)
  for (const channel of ['none', 'latest'])
    assert.partialDeepStrictEqual(await client.subscribe(channel, { from: `${epoch}.999999` }), {
      recovered: false,
    })
  await client.untilReceived(1)
  assert.deepEqual(client.data, ['the state'])
  await server.publish('none', 'posted', 2)
  await client.untilReceived(2)
})

test('a channel of the latest value recovers from any position: nothing but the latest counts', async () => {
  const latest = defineChannel({ name: 'latest', public: true, messages: { posted }, replay: 'latest' })
  await using server = await RealtimeServer.start({ channels: [latest] })
  for (let count = 1; count <= 3; count++) await server.publish('latest', 'posted', count)
  await waitUntil('they are there', () => server.followed.feed.position === 3)
  const { epoch } = server.followed.feed
  await server.database.write((tx) => {
    tx.run('delete from handcar_messages where offset < 3')
    tx.run(`insert into handcar_trimmed values ('latest', 2, 0)`)
  })
  using client = await TestClient.connect(server.url)
  assert.partialDeepStrictEqual(await client.subscribe('latest', { from: `${epoch}.1` }), { recovered: true })
  await client.untilReceived(1)
  assert.deepEqual(client.data, [3])
})

test('a client that falls behind again and again is not told again and again who is there', async () => {
  await using server = await RealtimeServer.start({ channels: [room], highWater: 65_536 })
  using client = await TestClient.connect(server.url)
  await client.subscribe('room/1', { presence: { about: 'me' } })
  const lists = () => client.messages.filter((message) => 'present' in message).length
  await waitUntil('it is told who is there', () => lists() > 0)
  const before = lists()
  for (let round = 1; round <= 3; round++) {
    client.socket.pause()
    for (let count = 0; count < 400; count++) await server.publish('room/1', 'posted', 'x'.repeat(10_000))
    assert.ok(server.connections.stats().fellBehind >= round)
    client.socket.resume()
    await client.untilReceived(400 * round)
    await waitUntil('it is live', () => server.connections.stats().behind === 0)
  }
  assert.equal(lists(), before)
  server.presence.join('room/1', { user: 'b', connection: 'b', metadata: null })
  await waitUntil('a change is told', () => client.messages.some((message) => 'joined' in message))
})

test('who is told when to come back is present until then, and a grace', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.connect(server.url)))
  for (const client of clients) await client.subscribe('room/1', { presence: {} })
  const gone = new Map<string, number | undefined>()
  server.presence.leaveAll = (connection: string, comesBackIn?: number) =>
    void gone.set(connection, comesBackIn)
  await server.connections.drain(5_000)
  for (const client of clients) {
    const { welcome } = await client.until('a welcome', 'welcome')
    const { bye } = await client.until('a goodbye', 'bye')
    assert.equal(gone.get(welcome.connection), bye.in)
  }
})

test('a stream whose client has gone while it was asked who it is leaves nothing behind', async () => {
  const { asked, authenticate } = doorkeeper()
  await using server = await RealtimeServer.start({ channels: [room], authenticate })
  const gone = new AbortController()
  const opening = fetch(`${server.url}?channel=room/1`, { signal: gone.signal, headers: { 'x-user': 'ann' } })
  await waitUntil('it is asked for', () => asked.length === 1)
  gone.abort()
  await assert.rejects(opening)
  using other = new TestClient(server.url, asUser('bob'))
  await waitUntil('the other is asked for', () => asked.length === 2)
  for (const each of asked) each.let(true)
  await other.until('a welcome', 'welcome')
  await waitUntil('nothing is left', () => server.connections.stats().connections === 1)
})
