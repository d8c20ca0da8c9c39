import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'
import { realtimeDatabase } from '../../../test/helpers/realtime.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'

const posted = unchecked<unknown>()

const chat = defineChannel({
  name: 'chat/:id',
  public: true,
  transactional: true,
  messages: { posted },
  send: {
    say: { schema: z.object({ text: z.string() }), result: z.object({ count: z.number() }) },
    fail: unchecked<unknown>(),
  },
  onMessage({ type, data, tx }) {
    tx!.run('insert into said values (?)', [JSON.stringify(data)])
    if (type === 'fail') throw new Error('secret details')
    return tx!.get<{ count: number }>('select count(*) as count from said')!
  },
})

async function chatServer(): Promise<RealtimeServer> {
  const server = await RealtimeServer.start({ channels: [chat] })
  await server.database.run('create table said (data text) strict')
  return server
}

const said = (server: RealtimeServer) => server.database.all<{ data: string }>('select data from said')

test('a message is checked, handled, and answered', async () => {
  await using server = await chatServer()
  using client = await TestClient.connect(server.url)
  assert.deepEqual(await client.send('chat/1', 'say', { text: 'hi' }), { ack: 1, result: { count: 1 } })
  const refused = await client.send('chat/1', 'say', { text: 7 })
  assert.partialDeepStrictEqual(refused, { error: { code: 'invalid' } })
  assert.match((refused as { error: { message: string } }).error.message, /text/)
  const failed = await client.send('chat/1', 'fail', {})
  assert.deepEqual(failed, { error: { code: 'failed', message: 'The message could not be handled' }, id: 3 })
  assert.equal(said(server).length, 1)
})

test('the same key is handled once, over connections and processes, and by POST too', async () => {
  await using server = await chatServer()
  using first = await TestClient.connect(server.url)
  const [one, again] = await Promise.all([
    first.send('chat/1', 'say', { text: 'once' }, 'key'),
    first.send('chat/1', 'say', { text: 'once' }, 'key'),
  ])
  assert.partialDeepStrictEqual([one, again], [{ result: { count: 1 } }, { result: { count: 1 } }])
  await using other = await RealtimeServer.start({ channels: [chat], database: server.database })
  using second = await TestClient.connect(other.url)
  assert.partialDeepStrictEqual(await second.send('chat/1', 'say', { text: 'once' }, 'key'), {
    result: { count: 1 },
  })
  const body = JSON.stringify({ send: 'chat/1', type: 'say', data: { text: 'once' }, id: 9, key: 'key' })
  const answer = await fetch(server.url, { method: 'POST', body })
  assert.deepEqual(await answer.json(), { ack: 9, result: { count: 1 } })
  assert.equal(said(server).length, 1)
  assert.equal(server.connections.stats().repeated, 2)
})

test('what a handler wrote before it failed is taken back, with its receipt', async () => {
  await using server = await chatServer()
  using client = await TestClient.connect(server.url)
  for (let count = 0; count < 2; count++)
    assert.partialDeepStrictEqual(await client.send('chat/1', 'fail', {}, 'key'), {
      error: { code: 'failed' },
    })
  assert.deepEqual(said(server), [])
})

test('messages of a client are handled in the order in which they were sent', async () => {
  const order: number[] = []
  const slow = defineChannel({
    name: 'slow',
    messages: { posted },
    send: { say: unchecked<number>() },
    authorize: () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5, true)),
    onMessage: ({ data }) => void order.push(data),
  })
  await using server = await RealtimeServer.start({ channels: [slow] })
  using client = await TestClient.connect(server.url)
  for (let id = 0; id < 100; id++) client.say({ send: 'slow', type: 'say', data: id, id })
  await client.answer(99)
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, index) => index),
  )
})

test('without a transaction a key is remembered by the process, unless the handler failed', async () => {
  let calls = 0
  const plain = defineChannel({
    name: 'plain',
    public: true,
    messages: { posted },
    send: { say: posted },
    onMessage() {
      calls++
      if (calls === 1) throw new Error('not yet')
      return calls
    },
  })
  await using server = await RealtimeServer.start({ channels: [plain] })
  using client = await TestClient.connect(server.url)
  assert.partialDeepStrictEqual(await client.send('plain', 'say', 1, 'key'), { error: { code: 'failed' } })
  for (let count = 0; count < 3; count++)
    assert.partialDeepStrictEqual(await client.send('plain', 'say', 1, 'key'), { result: 2 })
  assert.equal(calls, 2)
})

test('a key is its user’s own', async () => {
  const whoami = defineChannel({
    name: 'who',
    public: true,
    messages: { posted },
    send: { ask: posted },
    onMessage: ({ user }) => user?.id,
  })
  await using server = await RealtimeServer.start({
    channels: [whoami],
    authenticate: (request) => ({ id: request.headers.get('x-user')! }),
  })
  for (const user of ['ann', 'bob']) {
    using client = await TestClient.connect(server.url, { headers: { 'x-user': user } })
    assert.partialDeepStrictEqual(await client.send('who', 'ask', 1, 'key'), { result: user })
  }
})

test('a drain tells clients when to come back, answers what is being handled, and takes nothing new', async () => {
  const held = Promise.withResolvers<string>()
  const channel = defineChannel({
    name: 'held',
    public: true,
    messages: { posted },
    send: { wait: posted },
    onMessage: () => held.promise,
  })
  await using database = await realtimeDatabase()
  await using server = await RealtimeServer.start({ channels: [channel], database })
  const clients = await Promise.all(Array.from({ length: 50 }, () => TestClient.of(server.url, 'held')))
  const [first] = clients
  first!.say({ send: 'held', type: 'wait', data: 1, id: 7 })
  await waitUntil('all is quiet', () => server.connections.stats().connections === 50)
  await first!.send('held', 'nothing', 1)
  const drained = server.connections.drain(20_000)
  const byes = await Promise.all(clients.map((client) => client.until('a bye', 'bye')))
  const waits = byes.map(({ bye }) => bye.in).toSorted((one, other) => one - other)
  assert.equal(waits[0], 0)
  assert.ok(waits.at(-1)! <= 150 && new Set(waits).size === 50)
  first!.say({ send: 'held', type: 'wait', data: 2, id: 8 })
  assert.partialDeepStrictEqual(await first!.answer(8), { error: { code: 'stopping' } })
  held.resolve('done')
  assert.deepEqual(await first!.answer(7), { ack: 7, result: 'done' })
  await drained
  for (const client of clients) assert.equal((await client.untilClosed()).code, 1012)
  using late = new TestClient(server.url)
  assert.equal((await late.untilClosed()).code, 1012)
  assert.partialDeepStrictEqual(late.messages.at(-1), { bye: { in: 0 } })
})
