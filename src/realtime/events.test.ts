import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
import { TestClient } from '../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../test/helpers/realtime-server.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { defineChannel, Realtime, unchecked } from './index.ts'

const names = ['publish', 'deliver', 'epoch', 'trim'].map((verb) => `handcar.realtime.${verb}`)
const room = defineChannel({
  name: 'room/:id',
  messages: { posted: unchecked<number>(), typing: { schema: unchecked<number>(), ephemeral: true } },
  public: true,
})

test('what happens is told on diagnostics channels', async () => {
  await using database = await realtimeDatabase()
  const realtime = new Realtime({
    database,
    channels: [room],
    retention: { count: 1 },
    logger: recordingLogger(),
  })
  await realtime.start()
  const told: [name: string, message: object][] = []
  const listener = (message: unknown, name: string | symbol) => told.push([String(name), message as object])
  for (const name of names) subscribe(name, listener)
  await realtime.publish(room, { id: 1 }, 'typing', 1)
  await realtime.publish(room, { id: 1 }, 'posted', 1)
  await waitUntil('it is delivered', () => realtime.stats().feed.messages === 1)
  await realtime.publish(room, { id: 1 }, 'posted', 2)
  await waitUntil('it is delivered', () => realtime.stats().feed.messages === 2)
  await realtime.trim()
  await realtime.newEpoch()
  await waitUntil('the feed knows', () => told.some(([name]) => name === names[2]))
  for (const name of names) unsubscribe(name, listener)
  await realtime.stop()
  const of = (verb: string) =>
    told.filter(([name]) => name === `handcar.realtime.${verb}`).map(([, message]) => message)
  assert.deepEqual(of('publish'), [
    { channel: 'room/1', type: 'typing', offset: undefined },
    { channel: 'room/1', type: 'posted', offset: 1 },
    { channel: 'room/1', type: 'posted', offset: 2 },
  ])
  assert.deepEqual(
    of('deliver').map((message) => 'position' in message && message.position),
    [1, 2],
  )
  assert.deepEqual(of('trim'), [{ messages: 1, channels: 1 }])
  assert.equal(of('epoch').length, 1)
})

test('clients that come, listen, miss something and go are told of', async () => {
  await using server = await RealtimeServer.start({
    channels: [room],
    authenticate: () => ({ id: 7 }),
  })
  const told: [name: string, message: object][] = []
  const listener = (message: unknown, name: string | symbol) =>
    told.push([String(name).replace('handcar.realtime.', ''), message as object])
  const channels = ['connect', 'subscribe', 'gap', 'disconnect'].map((verb) => `handcar.realtime.${verb}`)
  for (const name of channels) subscribe(name, listener)
  const client = await TestClient.connect(server.url)
  await client.subscribe('room/1', { from: 'other.5' })
  const { connection } = (await client.until('welcome', 'welcome')).welcome
  client[Symbol.dispose]()
  await waitUntil('it is gone', () => told.length === 4)
  for (const name of channels) unsubscribe(name, listener)
  const who = { connection, user: '7', transport: 'websocket' }
  assert.deepEqual(told, [
    ['connect', { ...who, address: '127.0.0.1' }],
    ['subscribe', { ...who, channel: 'room/1', recovered: false }],
    ['gap', { ...who, channel: 'room/1' }],
    ['disconnect', { ...who, code: 1006 }],
  ])
  assert.equal(server.connections.stats().gaps, 1)
})
