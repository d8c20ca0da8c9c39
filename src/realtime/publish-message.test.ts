import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { codeOf } from '../../test/helpers/errors.ts'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { defineChannel, publishMessage, Realtime, unchecked } from './index.ts'

const room = defineChannel({
  name: 'room/:id',
  public: true,
  messages: {
    posted: z.object({ id: z.number(), at: z.string().default('now') }),
    typing: { schema: unchecked<string>(), ephemeral: true },
  },
  maxMessage: '1kb',
})

test('who has only the database publishes as Realtime does', async () => {
  await using database = await realtimeDatabase()
  await using realtime = new Realtime({ database, channels: [room], logger: recordingLogger() })
  await realtime.start()
  const failing = database.write(async () => {
    await publishMessage(database, room, { id: 1 }, 'posted', { id: 1 })
    throw new Error('rolled back')
  })
  await assert.rejects(failing, /rolled back/)
  const offsets = [
    await publishMessage(database, room, { id: 1 }, 'posted', { id: 2 }),
    await database.write(() => publishMessage(database, room, { id: 1 }, 'posted', { id: 3 })),
  ]
  const history = realtime.channel(room, { id: 1 }).history()
  assert.deepEqual(
    history.map(({ data }) => data),
    [2, 3].map((id) => ({ id, at: 'now' })),
  )
  assert.deepEqual(
    history.map(({ offset }) => offset),
    offsets,
  )
})

test('what Realtime refuses is refused, and what is ephemeral', async () => {
  await using database = await realtimeDatabase()
  const refused = (params: object, type: string, data: unknown) =>
    codeOf(() => publishMessage(database, room, params as never, type as 'posted', data as never))
  assert.equal(await refused({}, 'posted', { id: 1 }), 'HANDCAR_REALTIME_CHANNEL')
  assert.equal(await refused({ id: 1 }, 'posted', { id: 'x' }), 'HANDCAR_REALTIME_MESSAGE')
  assert.equal(
    await refused({ id: 1 }, 'posted', { id: 1, at: 'x'.repeat(2_000) }),
    'HANDCAR_REALTIME_MESSAGE',
  )
  assert.equal(await refused({ id: 1 }, 'typing', 'ann'), 'HANDCAR_REALTIME_MESSAGE')
  const body = database.write(() => {
    void publishMessage(database, room, { id: 1 }, 'posted', { id: 'x' } as never)
  })
  assert.equal(await codeOf(() => body), 'HANDCAR_REALTIME_MESSAGE')
})
