import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { defineChannel, unchecked } from '../../realtime/index.ts'
import {
  assertPublished,
  publishedMessages,
  refutePublished,
  temporaryRealtime,
  VirtualClient,
} from '../index.ts'

const room = defineChannel({
  name: 'room/:id',
  messages: {
    said: unchecked<{ by: string; text: string }>(),
    typing: { schema: unchecked<string>(), ephemeral: true },
  },
  send: { say: { schema: unchecked<string>(), result: unchecked<number>() } },
  presence: true,
  authorize: ({ user }) => user !== undefined && user.id !== 'stranger',
  onMessage: ({ user, data, publish }) => publish('said', { by: String(user!.id), text: data }),
})
const channels = [room]
const as = (id: string) => ({ user: { id } })

test('what was published can be asserted, and what was not', async () => {
  await using context = await temporaryRealtime({ channels })
  const { realtime, database } = context
  refutePublished(realtime, room, { id: 1 }, 'said')
  await assert.rejects(
    database.write(() => {
      void realtime.publish(room, { id: 1 }, 'said', { by: 'ann', text: 'taken back' })
      throw new Error('rolled back')
    }),
  )
  await realtime.publish(room, { id: 1 }, 'said', { by: 'ann', text: 'hi' })
  assert.deepEqual(assertPublished(realtime, room, { id: 1 }, 'said', { by: 'ann' }), [
    { offset: 1, type: 'said', data: { by: 'ann', text: 'hi' } },
  ])
  assertPublished(realtime, room, { id: 1 }, 'said', ({ text }) => text.length === 2)
  refutePublished(realtime, room, { id: 1 }, 'said', { by: 'bob' })
  assert.throws(() => assertPublished(realtime, room, { id: 1 }, 'said', { by: 'bob' }), {
    name: 'AssertionError',
    message: /"said" was published to room\/1 with \{ by: 'bob' \}\. Published was:\n- said \(offset 1\)/,
  })
  assert.throws(() => assertPublished(realtime, room, { id: 2 }, 'said'), /Nothing was published there/)
  assert.throws(() => refutePublished(realtime, room, { id: 1 }, 'said'), /Published was:\n- said/)
  assert.equal(publishedMessages(realtime, room, { id: 1 }).length, 1)
})

test('virtual clients are authorized, listen, send, and see who is there', async () => {
  await using context = await temporaryRealtime({ channels })
  const { realtime } = context
  using ann = await VirtualClient.connect(realtime, as('ann'))
  const bob = await VirtualClient.connect(realtime, as('bob'))
  using stranger = await VirtualClient.connect(realtime, as('stranger'))
  assert.equal(await codeOf(() => stranger.subscribe(room, { id: 1 })), 'forbidden')
  const before = realtime.position()
  const live = await ann.subscribe(room, { id: 1 }, { presence: null })
  await bob.subscribe(room, { id: 1 }, { presence: { name: 'Bob' } })
  await live.until(() => live.present.length === 2, 'both of them')

  assert.equal(await bob.send(room, { id: 1 }, 'say', 'hi', 'a key of this message'), 1)
  assert.equal(await bob.send(room, { id: 1 }, 'say', 'hi', 'a key of this message'), 1)
  assert.equal(await codeOf(() => bob.send(room, { id: 1 }, 'shout' as 'say', 'hi')), 'unknown-type')
  const { data, offset } = await live.next('said')
  assert.deepEqual([data, offset], [{ by: 'bob', text: 'hi' }, 1])
  await realtime.publish(room, { id: 1 }, 'typing', 'bob')
  assert.deepEqual(await live.next(), { type: 'typing', data: 'bob', offset: undefined })
  await realtime.publish(room, { id: 2 }, 'said', { by: 'eve', text: 'elsewhere' })
  await ann.settled()
  assert.equal(live.messages.length, 2)

  bob.close()
  assert.equal(await codeOf(() => bob.send(room, { id: 1 }, 'say', 'too late')), 'closed')
  context.clock.advance(2_000)
  await live.until(() => live.present.length === 1, 'that Bob has gone')
  using late = await VirtualClient.connect(realtime, as('eve'))
  const resumed = await late.subscribe(room, { id: 1 }, { from: before })
  assert.deepEqual([(await resumed.next()).offset, resumed.recovered, resumed.gaps], [1, true, 0])
  await late.unsubscribe(resumed)
  await realtime.disconnect({ user: 'ann', reason: 'enough' })
  await live.until(() => live.ended !== undefined)
  assert.deepEqual(ann.closed, { code: 1012, reason: 'enough' })
})

test('a virtual client that begins now gets nothing that was published before', async () => {
  await using context = await temporaryRealtime({ channels })
  const { realtime } = context
  using ann = await VirtualClient.connect(realtime, as('ann'))
  await realtime.publish(room, { id: 1 }, 'said', { by: 'bob', text: 'before' })
  const live = await ann.subscribe(room, { id: 1 })
  await realtime.publish(room, { id: 1 }, 'said', { by: 'bob', text: 'after' })
  assert.equal((await live.next('said')).data.text, 'after')
})

test('a virtual client without a user is asked who it is', async () => {
  const authenticate = (request: Request) => {
    const id = request.headers.get('cookie')
    return id === 'banned' ? false : id === null ? undefined : { id }
  }
  await using context = await temporaryRealtime({ channels, authenticate })
  const { realtime } = context
  const request = (cookie: string): Request =>
    new Request('http://localhost/realtime', { headers: { cookie } })
  using ann = await VirtualClient.connect(realtime, { request: request('ann') })
  await ann.subscribe(room, { id: 1 })
  using nobody = await VirtualClient.connect(realtime)
  assert.equal(await codeOf(() => nobody.subscribe(room, { id: 1 })), 'forbidden')
  await assert.rejects(VirtualClient.connect(realtime, { request: request('banned') }), /has refused/)
})
