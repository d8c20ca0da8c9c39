import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { defineChannel, Realtime, unchecked, type AnyChannelDefinition } from './index.ts'

const news = defineChannel({ name: 'news', public: true, messages: { said: unchecked<string>() } })

const room = defineChannel({
  name: 'room/:id',
  params: z.object({ id: z.coerce.number() }),
  authorize: ({ realtime }) => realtime.state === 'started',
  transactional: true,
  messages: { posted: z.object({ text: z.string(), by: z.string().default('nobody') }) },
  send: { say: unchecked<string>() },
  // Neither names the channel itself, which would be a circle for the types.
  onMessage: async ({ data, publish, realtime }) => {
    await realtime.publish(news, {}, 'said', data)
    return publish('posted', { text: data })
  },
  onSubscribe: async ({ publish }) => void (await publish('posted', { text: 'hello' })),
})

test('a handler publishes to its channel and to others, as part of its transaction', async () => {
  await using database = await realtimeDatabase()
  await using realtime = new Realtime({ database, channels: [room, news], logger: recordingLogger() })
  await realtime.start()
  const post = async (data: unknown) => {
    const body = JSON.stringify({ send: 'room/1', type: 'say', data, id: 1 })
    const answer = await realtime.fetch(
      new Request('http://localhost/realtime', {
        method: 'POST',
        body,
        headers: { origin: 'http://localhost' },
      }),
    )
    return (await answer.json()) as { ack?: number; result?: number; error?: { code: string } }
  }
  assert.deepEqual(await post('hi'), { ack: 1, result: 2 })
  assert.equal((await post(7)).error?.code, 'failed')
  const of = (channel: AnyChannelDefinition) =>
    realtime
      .channel(channel, { id: 1 })
      .history()
      .map(({ data }) => data as unknown)
  assert.deepEqual(of(room), [{ text: 'hi', by: 'nobody' }])
  assert.deepEqual(of(news), ['hi'])

  const abort = new AbortController()
  const url = 'http://localhost/realtime?channel=room/1'
  await realtime.fetch(new Request(url, { signal: abort.signal }))
  await waitUntil('onSubscribe has published', () => of(room).length === 2)
  abort.abort()
})
