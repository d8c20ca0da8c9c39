import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
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
