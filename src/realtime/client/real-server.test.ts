import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { after, afterEach, before, mock, test } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { z } from 'zod'
import { realtimeDatabase } from '../../../test/helpers/realtime.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { sql, type Database } from '../../database/index.ts'
import { defineChannel, fragment, Realtime, unchecked } from '../index.ts'
import { nameOf } from './name-of.ts'
import { applyFragments, connect, type ConnectOptions, type RealtimeClient } from './index.ts'

const room = defineChannel({
  name: 'room/:id',
  messages: {
    posted: z.object({ id: z.number(), at: z.date().optional() }),
    typing: { schema: unchecked<{ name: string }>(), ephemeral: true },
    fragment,
  },
  send: { say: { schema: z.object({ id: z.number() }), result: z.object({ said: z.number() }) } },
  public: true,
  presence: true,
  transactional: true,
  async onMessage({ data, tx }) {
    tx!.run(sql`insert into said (id) values (${data.id})`)
    return { said: data.id }
  },
})
const count = defineChannel({
  name: 'count',
  messages: { is: unchecked<number>() },
  public: true,
  replay: 'latest',
})
const channels = [room, count] as const

let database: Database
let realtime: Realtime
let http: Server
const sockets = new Set<Socket>()
const clients: RealtimeClient<typeof channels>[] = []

before(async () => {
  mock.method(Math, 'random', () => 0.002)
  database = await realtimeDatabase()
  await database.run(sql`create table said (id integer) strict`)
  realtime = new Realtime({ database, channels, logger: recordingLogger() })
  await realtime.start()
  const listener = getRequestListener((request) => realtime.fetch(request))
  http = createServer((request, response) => void listener(request, response))
  http.on('upgrade', realtime.upgrade)
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})

afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

after(async () => {
  await realtime.stop()
  http.closeAllConnections()
  http.close()
  await database.stop()
})

const cut = (): void => sockets.forEach((socket) => socket.destroy())
const open = (options: ConnectOptions): RealtimeClient<typeof channels> => {
  const client = connect<typeof channels>(
    `http://127.0.0.1:${(http.address() as AddressInfo).port}/realtime`,
    options,
  )
  clients.push(client)
  return client
}

for (const transport of ['websocket', 'sse'] as const) {
  test(`${transport}: everything comes once and in order, however often the network is cut`, async () => {
    const id = `ledger-${transport}`
    const from = realtime.position()
    const live = open({ transport }).channel('room/:id', { id }, { from })
    const seen: number[] = []
    live.on('posted', (data) => seen.push(data.id))
    for (let each = 0; each < 200; each++) {
      await realtime.publish(room, { id }, 'posted', { id: each })
      await realtime.publish(room, { id: 'other' }, 'posted', { id: each })
      if (each % 40 === 20) cut()
    }
    await waitUntil('all has come', () => seen.length >= 200)
    assert.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, each) => each),
    )
  })

  test(`${transport}: what is sent is handled once, however often the network is cut`, async () => {
    await database.run(sql`delete from said`)
    const live = open({ transport }).channel('room/:id', { id: 'sends' })
    const sent: Promise<{ said: number }>[] = []
    for (let id = 0; id < 40; id++) {
      sent.push(live.send('say', { id }))
      if (id % 10 !== 5) continue
      // Somewhere between the way there and the way back of the latest ones.
      await sent[id - 3]
      cut()
    }
    const results = await Promise.all(sent)
    assert.deepEqual(
      results.map(({ said }) => said),
      Array.from({ length: 40 }, (_, id) => id),
    )
    const rows = database.all<{ id: number }>(sql`select id from said order by id`)
    assert.deepEqual(
      rows.map((row) => row.id),
      Array.from({ length: 40 }, (_, id) => id),
    )
  })

  test(`${transport}: presence, hints that are not stored, refusals and fragments`, async () => {
    const live = open({ transport }).channel(
      'room/:id',
      { id: `all-${transport}` },
      { presence: { name: 'Ann' } },
    )
    const heard: unknown[] = []
    live.onPresence(({ present }) => heard.push(...present.map(({ metadata }) => metadata)))
    live.on('typing', ({ name }) => heard.push(name))
    live.on('fragment', ({ html }) => heard.push(html))
    await waitUntil('presence is known', () => heard.length > 0)
    await realtime.publish(room, { id: `all-${transport}` }, 'typing', { name: 'Bob' })
    await waitUntil('it came', () => heard.length > 1)
    const html = '<p>one</p>'
    await realtime.publish(room, { id: `all-${transport}` }, 'fragment', {
      target: '#list',
      action: 'append',
      html,
    })
    await waitUntil('it came', () => heard.length > 2)
    assert.deepEqual(heard, [{ name: 'Ann' }, 'Bob', html])
    await assert.rejects(live.send('say', { id: 'x' as never }), { code: 'invalid' })
  })

  test(`${transport}: a new epoch is a gap`, async () => {
    const live = open({ transport }).channel('room/:id', { id: 'epoch' })
    const gaps: string[] = []
    live.onGap(({ position }) => gaps.push(position))
    await waitUntil('it is there', () => live.position)
    await realtime.newEpoch()
    await waitUntil('the gap is told', () => gaps.length === 1)
    assert.equal(gaps[0], live.position)
  })

  test(`${transport}: a channel of the latest value gives it to who comes`, async () => {
    await realtime.publish(count, {}, 'is', 1)
    await realtime.publish(count, {}, 'is', 2)
    await waitUntil('the feed has it', () => realtime.stats().feed.lag === 0)
    const seen: number[] = []
    open({ transport })
      .channel('count')
      .on('is', (value) => seen.push(value))
    await waitUntil('it came', () => seen.length > 0)
    await realtime.publish(count, {}, 'is', 3)
    await waitUntil('the next came', () => seen.length > 1)
    assert.deepEqual(seen, [2, 3])
  })
}

test('a server that restarts is found again, and nothing is lost', async () => {
  const live = open({}).channel('room/:id', { id: 'restart' })
  const seen: number[] = []
  live.on('posted', ({ id }) => seen.push(id))
  await waitUntil('it is there', () => live.position)
  await realtime.stop()
  await realtime.start()
  await realtime.publish(room, { id: 'restart' }, 'posted', { id: 1 })
  await waitUntil('it came', () => seen.length === 1)
})

test('the file of the client is served', async () => {
  const response = await realtime.fetch(new Request('http://localhost/realtime/client.js'))
  assert.equal(response.status, 200)
  assert.match(await response.text(), /^(?=.*handcar\.v1).*export\{/s)
})

test('a name is the one that the server makes', () => {
  for (const id of ['a', 1, 'a b', 'a/b', 'ü', ':', "!'()*~", '%', 'a.b-c'])
    assert.equal(nameOf('room/:id', { id }), room.nameOf({ id }))
})

test('types: the channels say what may be called with what', () => {
  const client = connect<typeof channels>('http://127.0.0.1:1')
  clients.push(client)
  const live = client.channel('room/:id', { id: 1 })
  live.on('posted', (data) => {
    const at: string | undefined = data.at
    return at
  })
  // @ts-expect-error no such message
  live.on('unknown', () => {})
  // @ts-expect-error no such channel
  client.channel('nothing')
  // @ts-expect-error the parameter has another name
  assert.throws(() => client.channel('room/:id', { name: 1 }))
  // @ts-expect-error the data has another type
  live.send('say', { id: 'one' }, { timeout: 0 }).catch(() => {})
  const off: () => void = applyFragments(live)
  off()
})
