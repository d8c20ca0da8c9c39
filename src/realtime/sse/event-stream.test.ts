import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { TestStream } from '../../../test/helpers/realtime-stream.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const posted = unchecked<unknown>()
const room = defineChannel({
  name: 'room/:id',
  public: true,
  presence: true,
  messages: { posted },
  send: { say: posted },
  onMessage: ({ data, connection }) => ({ data, connection: connection ?? null }),
})
const channels = [room]

test('an event stream carries the same messages as a WebSocket, whatever happens', async () => {
  await using server = await RealtimeServer.start({ channels, highWater: 65_536, memory: 100_000 })
  const { epoch } = server.followed.feed
  for (let count = 1; count <= 300; count++)
    void server.publish(`room/${count % 3}`, 'posted', 'x'.repeat(count * 20))
  await waitUntil('all are there', () => server.followed.feed.position === 300)
  using socket = await TestClient.connect(server.url)
  for (const id of [0, 1]) socket.say({ subscribe: `room/${id}`, id, from: `${epoch}.100` })
  await using stream = await TestStream.open(`${server.url}?channel=room/0&channel=room/1&from=${epoch}.100`)
  for (let round = 0; round < 30; round++) {
    await server.database.write(() => {
      for (let each = 0; each < 20; each++) void server.publish(`room/${each % 3}`, 'posted', { round, each })
    })
    if (round % 7 === 0) await server.control('reauthorize', { channel: 'room/0' })
  }
  const count = 133 + 30 * 14
  await socket.untilReceived(count)
  await stream.untilReceived(count)
  const inOrder = socket.received.toSorted((one, other) => one.offset! - other.offset!)
  assert.deepEqual(
    stream.offsets,
    inOrder.map(({ offset }) => offset),
  )
  assert.ok(stream.received.every(({ data }, index) => isDeepStrictEqual(data, inOrder[index]!.data)))
  assert.deepEqual(stream.lastId, `${epoch}.${inOrder.at(-1)!.offset}`)
})

test('a stream resumes from the id of its last event', async () => {
  await using server = await RealtimeServer.start({ channels })
  const url = `${server.url}?channel=room/1&channel=room/2`
  let lastId = ''
  const offsets: (number | undefined)[] = []
  const done = new AbortController()
  const publishing = (async () => {
    for (let count = 0; !done.signal.aborted; count++)
      await server.publish(`room/${count % 4}`, 'posted', count)
  })()
  for (let round = 0; round < 20; round++) {
    await using stream = await TestStream.open(url, lastId === '' ? {} : { 'last-event-id': lastId })
    await stream.untilReceived(5)
    for (const message of stream.messages) if ('subscribed' in message) assert.equal(message.recovered, true)
    offsets.push(...stream.offsets)
    lastId = stream.lastId
  }
  done.abort()
  await publishing
  const [first] = offsets
  const expected = server.database
    .all<{ offset: number }>(
      `select offset from handcar_messages where channel in ('room/1', 'room/2') and offset between ? and ?
       order by offset`,
      [first!, offsets.at(-1)!],
    )
    .map(({ offset }) => offset)
  assert.deepEqual(offsets, expected)
})

test('a lost position is a gap; the id of an older epoch too', async () => {
  await using server = await RealtimeServer.start({ channels })
  await using stream = await TestStream.open(`${server.url}?channel=room/1`, { 'last-event-id': 'older.5' })
  await waitUntil('the answer', () => stream.messages.some((message) => 'subscribed' in message))
  const { epoch } = server.followed.feed
  assert.deepEqual(
    stream.messages.find((message) => 'subscribed' in message),
    { subscribed: 'room/1', id: 0, position: `${epoch}.0`, recovered: false },
  )
  await waitUntil('it can be resumed from now on', () => stream.lastId === `${epoch}.0`)
})

test('a heartbeat brings the position, as an id too', async () => {
  const clock = new FakeClock()
  await using server = await RealtimeServer.start({ channels, clock })
  await using stream = await TestStream.open(`${server.url}?channel=room/1`)
  await waitUntil('it is live', () => stream.messages.some((message) => 'presence' in message))
  await server.publish('room/2', 'posted', 1)
  await waitUntil('that was read', () => server.followed.feed.position === 1)
  clock.advance(25_000)
  const position = `${server.followed.feed.epoch}.1`
  await waitUntil('the position', () => stream.lastId === position)
  assert.deepEqual(stream.messages.at(-1), { position })
})

test('a message by POST is answered, or refused with a status', async () => {
  await using server = await RealtimeServer.start({ channels })
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(server.url, { method: 'POST', body, headers })
    return [answer.status, await answer.json()] as const
  }
  const message = { send: 'room/1', type: 'say', data: 'hi', id: 1 }
  assert.deepEqual(await post(JSON.stringify(message)), [
    200,
    { ack: 1, result: { data: 'hi', connection: null } },
  ])
  assert.equal((await post(JSON.stringify({ ...message, type: 'other' })))[0], 404)
  assert.equal((await post(JSON.stringify({ ...message, send: 'other' })))[0], 404)
  assert.equal((await post('nonsense'))[0], 400)
  assert.equal((await post('{"subscribe":"room/1","id":1}'))[0], 400)
  assert.equal((await post(JSON.stringify({ ...message, data: 'x'.repeat(1_048_576) })))[0], 413)
  assert.equal((await post(JSON.stringify(message), { origin: 'https://evil.example' }))[0], 403)
  assert.equal((await fetch(server.url, { method: 'PUT' })).status, 405)
})

test('pages of other origins read nothing, those that are listed do', async () => {
  await using server = await RealtimeServer.start({ channels, origins: ['https://app.example.com'] })
  const url = `${server.url}?channel=room/1`
  const refused: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of refused) assert.equal((await fetch(url, { headers })).status, 403)
  const origin = 'https://app.example.com'
  const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin } })
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
  await using stream = await TestStream.open(url, { origin })
  assert.equal(stream.headers.get('access-control-allow-origin'), origin)
  assert.equal(stream.headers.get('access-control-allow-credentials'), 'true')
  const foreign = await fetch(url, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })
  assert.equal(foreign.headers.get('access-control-allow-origin'), null)
})

test('who is refused, and what is malformed, gets a status; a channel that is refused, an event', async () => {
  const closed = defineChannel({ name: 'closed', messages: { posted }, authorize: () => false })
  await using server = await RealtimeServer.start({
    channels: [room, closed],
    limits: { perUser: 1 },
    authenticate: (request) => (request.headers.get('x-user') === 'banned' ? false : { id: 'ann' }),
  })
  const url = `${server.url}?channel=closed&channel=room/1`
  assert.equal((await fetch(url, { headers: { 'x-user': 'banned' } })).status, 401)
  assert.equal((await fetch(server.url)).status, 400)
  assert.equal((await fetch(`${url}&presence={`)).status, 400)
  await using stream = await TestStream.open(url)
  await waitUntil('both answers', () => stream.messages.some((message) => 'presence' in message))
  assert.partialDeepStrictEqual(stream.messages.slice(1, 3), [
    { error: { code: 'forbidden' }, id: 0 },
    { subscribed: 'room/1', id: 1 },
  ])
  assert.equal((await fetch(url)).status, 429)
})

test('presence: joined by the stream, left with it', async () => {
  await using server = await RealtimeServer.start({ channels, authenticate: () => ({ id: 7 }) })
  using watcher = await TestClient.of(server.url, 'room/1')
  {
    const query = `channel=room/1&presence=${encodeURIComponent('{"typing":true}')}`
    await using _stream = await TestStream.open(`${server.url}?${query}`)
    await waitUntil('the join', () =>
      watcher.messages.some((message) => 'presence' in message && message.joined?.[0]?.user === '7'),
    )
  }
  await waitUntil('the leave', () =>
    watcher.messages.some((message) => 'presence' in message && message.left?.length === 1),
  )
  await waitUntil('the connection is gone', () => server.connections.stats().eventStreams === 0)
})

test('a stream that is not read costs bounded memory, and is cut off', async () => {
  await using server = await RealtimeServer.start({ channels, highWater: 65_536, limits: { stalled: 500 } })
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET /realtime?channel=room/1 HTTP/1.1\r\nhost: x\r\n\r\n`)
  await waitUntil('it is subscribed', () => server.connections.stats().subscriptions === 1)
  let most = 0
  for (let round = 0; round < 40 && server.connections.stats().closed[4008] === undefined; round++) {
    await server.database.write(() => {
      for (let each = 0; each < 50; each++) void server.publish('room/1', 'posted', 'x'.repeat(20_000))
    })
    most = Math.max(most, server.connections.stats().buffered)
  }
  assert.ok(most < 65_536 + 3 * 90_000, `${most} bytes waited`)
  await waitUntil('it is cut off', () => server.connections.stats().closed[4008] === 1)
  socket.destroy()
})

test('a drain says goodbye to streams too', async () => {
  await using server = await RealtimeServer.start({ channels })
  await using stream = await TestStream.open(`${server.url}?channel=room/1`)
  await waitUntil('it is live', () => stream.messages.some((message) => 'presence' in message))
  await server.connections.drain(5_000)
  await waitUntil('it has ended', () => stream.isEnded)
  assert.deepEqual(stream.messages.at(-1), { bye: { in: 0, reason: 'The server restarts' } })
})

test('each channel of a stream may have a position of its own', async () => {
  await using server = await RealtimeServer.start({ channels: [room] })
  for (let count = 1; count <= 6; count++) await server.publish(`room/${count % 3}`, 'posted', count)
  await waitUntil('all are there', () => server.followed.feed.position === 6)
  await server.database.run(`insert into handcar_trimmed values ('room/1', 1, 0)`)
  const { epoch } = server.followed.feed
  const query = `channel=room/0&from=${epoch}.0&channel=room/1&from=${epoch}.1&channel=room/2&from=`
  await using stream = await TestStream.open(`${server.url}?${query}`)
  await stream.untilReceived(3)
  assert.deepEqual(stream.offsets, [3, 4, 6])
  const subscribed = stream.messages.filter((message) => 'subscribed' in message)
  assert.deepEqual(
    subscribed.map(({ recovered }) => recovered),
    [true, true, true],
  )
})
