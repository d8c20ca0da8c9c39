import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { FakeClock } from '../../testing/index.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const room = defineChannel({
  name: 'room/:id',
  public: true,
  messages: { posted: unchecked<unknown>() },
  send: { say: unchecked<unknown>() },
  onMessage: () => 'heard',
})
const channels = [room]

/** A WebSocket by hand, to send what no library would. */
async function shakeHands(server: RealtimeServer, headers = ''): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `GET /realtime HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n${headers}\r\n`,
  )
  await once(socket, 'data')
  return socket
}

async function stillServes(server: RealtimeServer): Promise<void> {
  using client = await TestClient.of(server.url, 'room/1')
  await server.publish('room/1', 'posted', 'still there')
  await client.untilReceived(1)
}

test('a message of 1 MB is refused clearly, and one a little too large costs nobody the connection', async () => {
  await using server = await RealtimeServer.start({ channels })
  using client = await TestClient.of(server.url, 'room/1')
  assert.partialDeepStrictEqual(await client.send('room/1', 'say', 'x'.repeat(70_000)), {
    error: { code: 'too-large' },
  })
  assert.deepEqual(await client.send('room/1', 'say', 'x'.repeat(60_000)), { ack: 3, result: 'heard' })
  client.socket.send(JSON.stringify({ send: 'room/1', type: 'say', data: 'x'.repeat(1_048_576), id: 4 }))
  assert.deepEqual(await client.untilClosed(), { code: 4009, reason: 'The message is too large' })
  assert.partialDeepStrictEqual(client.messages.at(-1), { error: { code: 'too-large' } })
})

test('what is no message of the protocol ends its connection, and no other', async () => {
  await using server = await RealtimeServer.start({ channels })
  const malformed = [
    '',
    'nonsense',
    '[]',
    'null',
    '1',
    '{}',
    '{"subscribe":1,"id":1}',
    '{"subscribe":"room/1"}',
    '{"subscribe":"room/1","id":"1"}',
    '{"subscribe":"room/1","id":1,"from":7}',
    '{"send":"room/1","id":1}',
    '{"send":"room/1","type":"say","id":1,"key":"' + 'x'.repeat(101) + '"}',
    '{"ping":"1"}',
    '['.repeat(30_000),
    Buffer.from('{"ping":1}'),
  ]
  for (const message of malformed) {
    using client = await TestClient.connect(server.url)
    client.socket.send(message)
    assert.equal((await client.untilClosed()).code, 4400, String(message).slice(0, 40))
    assert.partialDeepStrictEqual(client.messages.at(-1), { error: { code: 'malformed' } })
  }
  await stillServes(server)
})

test('names that mean something to JavaScript mean nothing here', async () => {
  await using server = await RealtimeServer.start({ channels })
  using client = await TestClient.connect(server.url)
  for (const name of ['__proto__', 'constructor', 'room/', 'room', '/', 'room/1/2', 'x'.repeat(10_000)])
    assert.partialDeepStrictEqual(await client.subscribe(name), { error: { code: 'unknown-channel' } })
  for (const type of ['__proto__', 'constructor', 'toString', ''])
    assert.partialDeepStrictEqual(await client.send('room/1', type, {}), { error: { code: 'unknown-type' } })
})

test('random bytes in place of frames end their connection only', async () => {
  await using server = await RealtimeServer.start({ channels })
  for (let round = 0; round < 100; round++) {
    const socket = await shakeHands(server)
    const bytes = randomBytes(1 + Math.floor(Math.random() * 2_000))
    if (round % 2 === 0) bytes[0] = [0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x00][round % 7]!
    socket.end(bytes)
    socket.resume()
    await once(socket, 'close')
  }
  await waitUntil('all are gone', () => server.connections.stats().connections === 0)
  await stillServes(server)
})

test('a frame that announces a gigabyte is refused before it is read', async () => {
  await using server = await RealtimeServer.start({ channels })
  const socket = await shakeHands(server)
  socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]))
  const answer: Buffer[] = []
  socket.on('data', (chunk: Buffer) => answer.push(chunk))
  await once(socket, 'close')
  const close = Buffer.concat(answer).indexOf(Buffer.from([4009 >> 8, 4009 & 255]))
  assert.notEqual(close, -1)
})

test('pages of other origins are refused, those that are listed are not', async () => {
  await using server = await RealtimeServer.start({ channels, origins: ['https://app.example.com'] })
  const own = `127.0.0.1:${server.port}`
  const refused = [
    'https://evil.example',
    `http://${own}.evil.example`,
    'null',
    'http://app.example.com',
    'x',
  ]
  for (const origin of refused) {
    using client = new TestClient(server.url, { headers: { origin } })
    assert.equal((await client.untilClosed()).code, 4003, origin)
  }
  const headers = [
    { origin: `http://${own}` },
    { origin: `https://${own}` },
    { origin: 'https://app.example.com' },
    { origin: 'https://public.example', 'x-forwarded-host': 'public.example' },
    {},
  ]
  for (const each of headers) {
    using client = await TestClient.connect(server.url, { headers: each as Record<string, string> })
    assert.equal(client.closed, undefined)
  }
})

test('limits: connections of the process, of a user, of an address; channels; rate', async () => {
  await using server = await RealtimeServer.start({
    channels,
    clock: new FakeClock(),
    authenticate: (request) => ({ id: request.headers.get('x-user') ?? 'nobody' }),
    limits: { connections: 3, perUser: 2, channels: 2, sendRate: 1 },
  })
  const headers = (user: string) => ({ headers: { 'x-user': user } })
  using first = await TestClient.connect(server.url, headers('ann'))
  using _second = await TestClient.connect(server.url, headers('ann'))
  using third = new TestClient(server.url, headers('ann'))
  assert.equal((await third.untilClosed()).code, 4029)
  using _bob = await TestClient.connect(server.url, headers('bob'))
  using full = new TestClient(server.url, headers('cid'))
  assert.equal((await full.untilClosed()).code, 1006)
  await first.subscribe('room/1')
  await first.subscribe('room/2')
  assert.partialDeepStrictEqual(await first.subscribe('room/3'), { error: { code: 'limit' } })
  assert.partialDeepStrictEqual(await first.subscribe('room/2'), { subscribed: 'room/2' })
  for (let count = 0; count < 4; count++)
    assert.partialDeepStrictEqual(await first.send('room/1', 'say', count), { result: 'heard' })
  assert.partialDeepStrictEqual(await first.send('room/1', 'say', 5), { error: { code: 'limit' } })
  await using narrow = await RealtimeServer.start({ channels, limits: { perAddress: 1 } })
  using _only = await TestClient.connect(narrow.url)
  using second = new TestClient(narrow.url)
  assert.equal((await second.untilClosed()).code, 4029)
})

test('a flood of handshakes that nobody finishes leaves nothing behind', async () => {
  const clock = new FakeClock()
  await using server = await RealtimeServer.start({
    channels,
    clock,
    limits: { connections: 50 },
    authenticate: () => new Promise(() => {}),
  })
  const sockets = Array.from({ length: 100 }, () => connect(server.port, '127.0.0.1'))
  const answers: string[] = []
  for (const socket of sockets) {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => answers.push(chunk.toString().split('\r\n', 1)[0]!))
    socket.write(
      `GET /realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
  }
  await waitUntil('those without room are refused', () => answers.length === 50)
  clock.advance(10_000)
  await waitUntil('the others are when their time is over', () => answers.length === 100)
  assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 503')))
  assert.equal(server.connections.stats().connections, 0)
  for (const socket of sockets) socket.destroy()
})

test('handshakes that are malformed are refused', async () => {
  await using server = await RealtimeServer.start({ channels })
  for (const lines of [
    'host: x\r\nsec-websocket-version: 13\r\nsec-websocket-key: short',
    'host: x\r\nsec-websocket-version: 12\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    'host: [\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  ]) {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`GET /realtime HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n${lines}\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1.1 400/)
    socket.destroy()
  }
  await stillServes(server)
})

test('a half-open connection is found by its missing pongs; one that answers stays', async () => {
  const clock = new FakeClock()
  await using server = await RealtimeServer.start({ channels, clock })
  using alive = await TestClient.of(server.url, 'room/1')
  const dead = await shakeHands(server)
  dead.resume()
  await waitUntil('both are there', () => server.connections.stats().connections === 2)
  let pings = 0
  alive.socket.on('ping', () => pings++)
  for (let beat = 1; beat <= 4; beat++) {
    clock.advance(25_000)
    await waitUntil('the client is pinged', () => pings === beat)
    await alive.send('room/1', 'say', beat) // its pong was before that
  }
  await waitUntil('the dead one is gone', () => server.connections.stats().connections === 1)
  assert.deepEqual(server.connections.stats().closed, { 1006: 1 })
  const positions = alive.messages.filter((message) => Object.keys(message).join() === 'position')
  assert.equal(positions.length, 4)
  dead.destroy()
})

test('compressed or not, large or small: the same messages arrive', async () => {
  await using server = await RealtimeServer.start({ channels, compression: true })
  using deflating = await TestClient.connect(server.url, { perMessageDeflate: true })
  using narrow = await TestClient.connect(server.url, { perMessageDeflate: { serverMaxWindowBits: 10 } })
  using plain = await TestClient.connect(server.url)
  assert.match(deflating.socket.extensions, /permessage-deflate/)
  const clients = [deflating, narrow, plain]
  await Promise.all(clients.map((client) => client.subscribe('room/1')))
  const data = ['', 'x', 'ü'.repeat(1_000), 'x'.repeat(70_000), randomBytes(40_000).toString('base64')]
  await server.database.write(() => {
    for (const each of data) void server.publish('room/1', 'posted', each)
  })
  for (const client of clients) {
    await client.untilReceived(data.length)
    assert.deepEqual(client.data, data)
  }
})
