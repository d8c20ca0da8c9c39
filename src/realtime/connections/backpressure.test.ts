import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const room = defineChannel({
  name: 'room/:id',
  public: true,
  presence: true,
  messages: { posted: unchecked<unknown>() },
})
const body = 'x'.repeat(20_000)
const highWater = 131_072
/** What may wait beside that: a run that was written before it was looked at, a piece of a catch-up. */
const bound = highWater + 3 * 90_000

async function publish(server: RealtimeServer, count: number): Promise<void> {
  await server.database.write(() => {
    for (let each = 0; each < count; each++) void server.publish('room/1', 'posted', body)
  })
}

test('a client that does not read costs bounded memory, slows nobody down, and is caught up when it reads', async () => {
  await using server = await RealtimeServer.start({ channels: [room], highWater, memory: 1_000_000 })
  using slow = await TestClient.of(server.url, 'room/1')
  using quick = await TestClient.of(server.url, 'room/1')
  slow.socket.pause()
  let most = 0
  for (let round = 0; round < 40; round++) {
    await publish(server, 50)
    await quick.untilReceived((round + 1) * 50)
    most = Math.max(most, server.connections.stats().buffered)
  }
  assert.ok(most > 0 && most < 2 * bound, `${most} bytes waited`)
  assert.equal(server.connections.stats().behind, 1)
  // What is not stored is lost to who is behind.
  server.connections.deliver({ channel: 'room/1', type: 'typing', data: '1' })
  slow.socket.resume()
  await slow.untilReceived(2_000, 30_000)
  await waitUntil('it is live again', () => server.connections.stats().behind === 0)
  await publish(server, 1)
  await slow.untilReceived(2_001)
  const all = Array.from({ length: 2_001 }, (_, index) => index + 1)
  assert.deepEqual(slow.offsets, all)
  assert.deepEqual(
    quick.offsets.filter((offset) => offset !== undefined),
    all,
  )
  assert.equal(server.connections.stats().dropped, 1)
})

test('what retention takes from a client that does not read is a gap, not silence', async () => {
  await using server = await RealtimeServer.start({ channels: [room], highWater, memory: 0 })
  using slow = await TestClient.of(server.url, 'room/1')
  slow.socket.pause()
  for (let round = 0; round < 20; round++) await publish(server, 50)
  await waitUntil('all is delivered', () => server.followed.feed.position === 1_000)
  await server.database.write((tx) => {
    tx.run(`delete from handcar_messages where offset <= 990`)
    tx.run(`insert into handcar_trimmed values ('room/1', 990, 0)`)
  })
  slow.socket.resume()
  const { gap, position } = await slow.until('a gap', 'gap')
  assert.deepEqual([gap, position], ['room/1', `${server.followed.feed.epoch}.1000`])
  await waitUntil('it is live again', () => server.connections.stats().behind === 0)
  await publish(server, 1)
  await waitUntil('it goes on', () => slow.offsets.at(-1) === 1_001)
  const before = slow.offsets.slice(0, -1)
  assert.deepEqual(
    before,
    Array.from(before, (_, index) => index + 1),
  )
})

test('a client that takes nothing at all is cut off', async () => {
  await using server = await RealtimeServer.start({
    channels: [room],
    highWater,
    limits: { stalled: 400 },
  })
  using slow = await TestClient.of(server.url, 'room/1')
  using quick = await TestClient.of(server.url, 'room/1')
  slow.socket.pause()
  for (let round = 0; round < 20; round++) await publish(server, 50)
  await waitUntil('it is cut off', () => server.connections.stats().closed[4008] === 1)
  assert.equal(server.connections.stats().connections, 1)
  await quick.untilReceived(1_000)
})

test('a client that asks without reading the answers is not listened to', async () => {
  await using server = await RealtimeServer.start({
    channels: [room],
    highWater: 65_536,
    limits: { sendRate: 1_000_000 },
  })
  using client = await TestClient.connect(server.url)
  client.socket.pause()
  const request = JSON.stringify({ unsubscribe: 'x'.repeat(1_000), id: 1 })
  for (let count = 0; count < 20_000; count++) client.socket.send(request)
  await waitUntil('the server stops to listen', () => server.connections.stats().buffered > 65_536, 30_000)
  assert.ok(server.connections.stats().buffered < 1_000_000)
  client.socket.resume()
  await waitUntil('all is answered', () => client.messages.length === 20_001, 60_000)
})

test('presence of a client that was behind is told anew', async () => {
  await using server = await RealtimeServer.start({ channels: [room], highWater })
  using slow = await TestClient.of(server.url, 'room/1')
  slow.socket.pause()
  for (let round = 0; round < 20; round++) await publish(server, 50)
  await waitUntil('it is behind', () => server.connections.stats().behind === 1)
  using other = await TestClient.connect(server.url)
  await other.subscribe('room/1', { presence: { mood: 'good' } })
  slow.socket.resume()
  await waitUntil('it knows', () =>
    slow.messages.some((message) => 'presence' in message && message.present?.length === 1),
  )
})
