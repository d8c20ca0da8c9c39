import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { ProtocolServer } from '../../../test/helpers/realtime-protocol-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { connect, type ConnectOptions, type RealtimeClient, type RealtimeError } from './index.ts'

let server: ProtocolServer
let realtime: RealtimeClient

beforeEach(async () => {
  // Of the time that the next attempt may take.
  mock.method(Math, 'random', () => 0.002)
  server = new ProtocolServer()
  await server.listen()
})

afterEach(async () => {
  realtime?.close()
  await server.close()
  mock.restoreAll()
})

const open = (options?: ConnectOptions): RealtimeClient => (realtime = connect(server.url, options))
const offsetsOf = (live: ReturnType<RealtimeClient['channel']>): number[] => {
  const offsets: number[] = []
  live.on('posted', (_data, { offset }) => offsets.push(offset!))
  return offsets
}
const subscribes = () => server.received.filter((message) => 'subscribe' in message)
const sends = () => server.received.filter((message) => 'send' in message)
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fulfilled',
    (error: RealtimeError) => (error.name === 'RealtimeError' ? error.code : error.name),
  )

for (const transport of ['websocket', 'sse'] as const) {
  test(`${transport}: what is missed without a connection comes after it, once and in order`, async () => {
    const live = open({ transport }).channel('room/:id', { id: 1 }, { from: 'one.0' })
    const seen = offsetsOf(live)
    for (let round = 0; round < 4; round++) {
      server.publish('room/1', round)
      server.publish('room/2', 'of somebody else')
      await waitUntil('it came', () => seen.length === 2 * round + 1)
      assert.equal(live.position, `one.${seen.at(-1)}`)
      server.client.cut()
      await waitUntil('it is gone', () => server.clients.size === 0)
      server.publish('room/1', 'missed')
      await waitUntil('it came after the reconnect', () => seen.length === 2 * round + 2)
    }
    assert.deepEqual(seen, [1, 3, 4, 6, 7, 9, 10, 12])
  })

  test(`${transport}: a position that is lost is told as a gap, also to who listens later`, async () => {
    server.publish('room/1', 1)
    server.publish('room/1', 2)
    server.floor = 2
    const live = open({ transport }).channel('room/1', {}, { from: 'one.1' })
    const seen = offsetsOf(live)
    const told: unknown[] = []
    live.onSubscribed(({ recovered }) => told.push(recovered))
    await waitUntil('it is subscribed', () => told.length === 1)
    live.onGap((gap) => told.push(gap.position))
    assert.deepEqual(told, [false, 'one.2'])
    server.publish('room/1', 3)
    await waitUntil('it goes on', () => seen.length === 1)
    assert.deepEqual(seen, [3])
  })

  test(`${transport}: a log of another epoch is a gap, and offsets begin anew`, async () => {
    for (let each = 0; each < 5; each++) server.publish('room/1', each)
    const live = open({ transport }).channel('room/1', {}, { from: 'one.5' })
    const seen = offsetsOf(live)
    const gaps: string[] = []
    live.onGap(({ position }) => gaps.push(position))
    await waitUntil('it is there', () => live.position && server.clients.size === 1)
    server.epoch = 'two'
    server.log.length = 0
    server.client.cut()
    await waitUntil('a gap', () => gaps.length === 1)
    server.publish('room/1', 'first of the new')
    await waitUntil('it came', () => seen.length === 1)
    assert.deepEqual([gaps, seen], [['two.0'], [1]])
  })

  test(`${transport}: a message is sent until it is answered, and handled once`, async () => {
    const live = open({ transport }).channel('room/1', {})
    let cuts = 0
    server.intercept = (message, client) => {
      if (!('send' in message) || cuts === 2) return false
      if (++cuts === 2) server.handled.set(message.key!, 'handled before the cut')
      server.client.cut()
      client.cut()
      return true
    }
    assert.equal(await live.send('say', { text: 'Hello' }), 'handled before the cut')
    assert.equal(new Set(sends().map(({ key }) => key)).size, 1)
    assert.equal(sends().length, 3)
    assert.equal(realtime.pending, 0)
  })

  test(`${transport}: messages wait for a server and keep their order`, async () => {
    const { port } = server
    const live = open({ transport }).channel('room/1', {})
    await server.close()
    const data = { text: 'as it was' }
    const sent = [live.send('say', data), live.send('say', 2), live.send('say', 3)]
    data.text = 'changed'
    await waitUntil('it has tried', () => realtime.state === 'waiting')
    server = new ProtocolServer()
    await server.listen(port)
    await Promise.all(sent)
    assert.deepEqual(
      sends().map(({ data }) => data),
      [{ text: 'as it was' }, 2, 3],
    )
  })

  test(`${transport}: a refused message and a refused channel say why`, async () => {
    server.intercept = (message, client) => {
      if (!('id' in message)) return false
      const code = 'send' in message ? 'invalid' : 'forbidden'
      client.send({ error: { code, message: 'No' }, id: message.id })
      return transport === 'websocket' || 'send' in message
    }
    const live = open({ transport }).channel('room/1', {})
    assert.equal(await codeOf(live.send('say')), 'invalid')
  })

  test(`${transport}: two parts of a page share a subscription, and each hears what is new to it`, async () => {
    for (let each = 0; each < 6; each++) server.publish('room/1', each)
    const first = open({ transport }).channel('room/1', {}, { from: 'one.4' })
    const atFirst = offsetsOf(first)
    await waitUntil('the first has all', () => atFirst.length === 2)
    const older = offsetsOf(realtime.channel('room/1', {}, { from: 'one.1' }))
    const fresh = offsetsOf(realtime.channel('room/1', {}))
    await waitUntil('the older has all', () => older.length === 5)
    server.publish('room/1', 'for all')
    await waitUntil('all have it', () => older.length === 6)
    assert.deepEqual(atFirst, [5, 6, 7])
    assert.deepEqual(older, [2, 3, 4, 5, 6, 7])
    assert.equal(fresh.at(-1), 7)
    first.close()
    server.publish('room/1', 'for the others')
    await waitUntil('the others have it', () => older.length === 7)
    assert.deepEqual(atFirst, [5, 6, 7])
    assert.equal(server.clients.size, 1)
  })
}

test('whatever is cut, each part of a page hears everything after its position once, in order', async () => {
  const random = randomOf(7)
  const client = open()
  const parts: { from: number; seen: number[]; close: () => void }[] = []
  for (let step = 0; step < 400; step++) {
    const action = random(12)
    if (action < 6) server.publish('room/1', step)
    else if (action < 8) server.publish('room/2', step)
    else if (action === 8) {
      await waitUntil('there is something to cut', () => server.clients.size === 1)
      const { client } = server
      client.cut()
      await waitUntil('the cut is noticed', () => !server.clients.has(client))
      for (let missed = random(3); missed > 0; missed--) server.publish('room/1', 'missed')
      await waitUntil('it is back', () => server.clients.size === 1)
    } else if (action === 9) {
      const from = random(server.log.length + 1)
      const live = client.channel('room/1', {}, { from: `one.${from}` })
      parts.push({ from, seen: offsetsOf(live), close: () => live.close() })
    } else if (action === 10) server.say({ position: server.position })
    else if (parts.length > 3) parts.splice(random(parts.length), 1)[0]!.close()
    // Some steps come together, between others there is time for some of what they lead to.
    for (let turns = random(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
  }
  const all = server.log.filter(({ channel }) => channel === 'room/1').map(({ offset }) => offset)
  for (const { from, seen } of parts) {
    const expected = all.filter((offset) => offset > from)
    await waitUntil('all has come', () => seen.length >= expected.length)
    assert.deepEqual(seen, expected)
  }
  assert.ok(parts.length > 2 && server.connects > 5)
})

test('a heartbeat moves the position of a silent channel', async () => {
  const live = open().channel('room/1', {})
  await waitUntil('it is there', () => live.position === 'one.0')
  for (let each = 0; each < 7; each++) server.publish('room/2', each)
  server.say({ position: 'one.7' })
  server.say({ position: 'other.9' })
  await waitUntil('it is known', () => live.position === 'one.7')
  server.client.cut()
  await waitUntil('it is back', () => subscribes().length === 2)
  assert.equal(subscribes()[1]!.from, 'one.7')
})

test('a heartbeat that comes before the answer to a new subscribe moves nothing', async () => {
  server.publish('room/1', 1)
  const first = offsetsOf(open().channel('room/1', {}, { from: 'one.0' }))
  await waitUntil('it came', () => first.length === 1)
  server.intercept = (message, client) => {
    if (!('subscribe' in message)) return
    // The server has taken the old subscription away: 2 comes with the new one only.
    client.channels.clear()
    server.publish('room/1', 2)
    client.send({ position: 'one.2' })
  }
  const second = offsetsOf(realtime.channel('room/1', {}, { from: 'one.0' }))
  await waitUntil('it came', () => second.length === 2)
  assert.deepEqual(
    [first, second],
    [
      [1, 2],
      [1, 2],
    ],
  )
})

test('a message that is behind the gap it was told of comes once', async () => {
  const live = open().channel('room/1', {}, { from: 'one.0' })
  const seen = offsetsOf(live)
  const gaps: unknown[] = []
  live.onGap(({ position }) => gaps.push(position))
  await waitUntil('it is there', () => subscribes().length === 1)
  server.publish('room/1', 'before')
  server.say({ gap: 'room/1', position: 'one.4' })
  for (const offset of [4, 5, 5]) server.say({ channel: 'room/1', offset, type: 'posted', data: 0 })
  await waitUntil('it came', () => seen.length === 2)
  assert.deepEqual([seen, gaps, live.position], [[1, 5], ['one.4'], 'one.5'])
})

test('ephemeral messages come without an offset and move nothing', async () => {
  const live = open().channel('room/1', {}, { from: 'one.0' })
  const typing: unknown[] = []
  live.on('typing', (data, details) => typing.push(data, details.offset))
  await waitUntil('it is there', () => subscribes().length === 1)
  server.say({ channel: 'room/1', type: 'typing', data: 'Ann' })
  await waitUntil('it came', () => typing.length > 0)
  assert.deepEqual([typing, live.position], [['Ann', undefined], 'one.0'])
})

test('a listener that throws keeps nothing from the others', async () => {
  const live = open().channel('room/1', {}, { from: 'one.0' })
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => thrown.push(error.message))
  try {
    live.on('posted', () => {
      throw new Error('mine')
    })
    const seen = offsetsOf(live)
    server.publish('room/1', 1)
    await waitUntil('it came', () => seen.length === 1 && thrown.length === 1)
    assert.deepEqual(thrown, ['mine'])
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})

test('a right that is lost ends the channel, and it is not asked for again', async () => {
  const live = open().channel('room/1', {})
  const ends: string[] = []
  live.onEnd(({ code, message }) => ends.push(code, message))
  await waitUntil('it is there', () => live.position)
  server.say({ unsubscribed: 'room/1', code: 'forbidden', reason: 'You have left' })
  await waitUntil('it has ended', () => ends.length > 0)
  server.client.cut()
  await waitUntil('it is back', () => server.connects === 2 && realtime.state === 'open')
  assert.deepEqual([ends, subscribes().length], [['forbidden', 'You have left'], 1])
})

test('a right that could not be checked is asked for again, and nothing is missed', async () => {
  const client = open()
  const offsets = offsetsOf(client.channel('room/1', {}))
  await waitUntil('it is subscribed', () => subscribes().length === 1)
  server.publish('room/1', 1)
  await waitUntil('it came', () => offsets.length === 1)
  server.client.channels.delete('room/1')
  server.say({ unsubscribed: 'room/1', code: 'failed', reason: 'The right could not be checked' })
  server.publish('room/1', 2)
  // It is of those channels that are subscribed.
  server.say({ position: server.position })
  await waitUntil('it is subscribed again', () => subscribes().length === 2, 20_000)
  await waitUntil('the other came', () => offsets.length === 2)
  assert.deepEqual(offsets, [1, 2])
})

test('the server says when to come back; what is sent until then waits', async () => {
  const live = open().channel('room/1', {})
  await waitUntil('it is there', () => live.position)
  server.say({ bye: { in: 300, reason: 'restart' } })
  const said = performance.now()
  server.client.send({ pong: 0 })
  const sent = live.send('say', 1)
  await waitUntil('the bye was heard', () => realtime.pending === 1)
  server.client.close(1012)
  await sent
  assert.ok(performance.now() - said >= 295)
  assert.equal(server.connects, 2)
})

test('silence longer than the heartbeat ends the connection', async () => {
  server.heartbeat = 40
  const live = open().channel('room/1', {})
  await waitUntil('it came back by itself', () => server.connects >= 2)
  assert.ok(live.position)
})

test('a connection that never gets its welcome is given up', async () => {
  server.isWelcoming = false
  open({ connectTimeout: 40, transport: 'websocket' }).channel('room/1', {})
  await waitUntil('another attempt', () => server.connects >= 2)
})

test('where no WebSocket comes about it is an event stream', async () => {
  server.takesWebSockets = false
  const seen = offsetsOf(open().channel('room/1', {}, { from: 'one.0' }))
  server.publish('room/1', 1)
  await waitUntil('it came', () => seen.length === 1)
  assert.equal(server.client.kind, 'sse')
})

test('a server that refuses everybody is asked no more', async () => {
  server.refusesWith = 401
  const live = open().channel('room/1', {})
  const ends: string[] = []
  live.onEnd(({ code }) => ends.push(code))
  const sent = codeOf(live.send('say'))
  await waitUntil('it is closed', () => realtime.state === 'closed')
  assert.deepEqual([await sent, ends, server.connects], ['closed', ['closed'], 2])
})

test('a session that ends comes back with a new token', async () => {
  let count = 0
  const live = open({ token: async () => `token-${++count}` }).channel('room/1', {})
  await waitUntil('it is there', () => live.position)
  assert.equal(server.client.url.searchParams.get('token'), 'token-1')
  server.client.close(4001)
  await waitUntil('it is back', () => server.connects === 2 && server.clients.size === 1)
  assert.equal(server.client.url.searchParams.get('token'), 'token-2')
})

test('a message that ends the connection is found, and the others are handled', async () => {
  const live = open().channel('room/1', {})
  await waitUntil('it is there', () => live.position)
  const outcomes = ['a', 'x'.repeat(200_000), 'b'].map((data) => codeOf(live.send('say', data)))
  assert.deepEqual(await Promise.all(outcomes), ['fulfilled', 'too-large', 'fulfilled'])
  assert.equal(await codeOf(live.send('say', 'c')), 'fulfilled')
})

test('messages that were too many go on, one after the other', async () => {
  const live = open().channel('room/1', {})
  let credit = 3
  server.intercept = (message, client) => {
    if (!('send' in message) || credit-- > 0) return false
    setTimeout(() => (credit = 10), 200)
    client.send({ error: { code: 'limit', message: 'More than 3' }, id: message.id })
    return true
  }
  const outcomes = await Promise.all([0, 1, 2, 3, 4, 5].map((data) => codeOf(live.send('say', data))))
  assert.deepEqual(outcomes, Array(6).fill('fulfilled'))
  assert.deepEqual(
    [...server.handled.values()],
    [0, 1, 2, 3, 4, 5].map((handled) => ({ handled })),
  )
})

test('a message is given up by its time limit, its signal and a full queue', async () => {
  server.intercept = (message) => 'send' in message
  const live = open({ maxQueue: 2 }).channel('room/1', {})
  const stop = new AbortController()
  const first = codeOf(live.send('say', 1, { timeout: 20 }))
  const second = live.send('say', 2, { signal: stop.signal }).catch((error: unknown) => error)
  assert.equal(await codeOf(live.send('say', 3)), 'full')
  stop.abort('enough')
  assert.deepEqual([await first, await second], ['TimeoutError', 'enough'])
  assert.equal(realtime.pending, 0)
  assert.equal(await live.send('say', 4, { signal: stop.signal }).catch((error: unknown) => error), 'enough')
})

test('presence is the whole list, whatever came of it', async () => {
  const live = open().channel('room/1', {}, { presence: { name: 'Me' } })
  const lists: string[][] = []
  live.onPresence(({ present }) => lists.push(present.map(({ connection }) => connection)))
  await waitUntil('it is there', () => live.position)
  assert.deepEqual(subscribes()[0]!.presence, { name: 'Me' })
  const [ann, bob] = ['ann', 'bob'].map((user) => ({ user, connection: user, metadata: null }))
  server.say({ presence: 'room/1', present: [ann!] })
  server.say({ presence: 'room/1', joined: [bob!] })
  server.say({ presence: 'room/1', left: [ann!] })
  await waitUntil('it is known', () => lists.length === 3)
  assert.deepEqual(lists, [['ann'], ['ann', 'bob'], ['bob']])
  live.setPresence({ name: 'Another' })
  await waitUntil('it is told', () => subscribes().length === 2)
  assert.deepEqual(subscribes()[1]!.presence, { name: 'Another' })
})

test('an event stream begins a new channel where it is itself, although others go back further', async () => {
  for (let each = 0; each < 4; each++) server.publish(`room/${each % 2}`, each)
  const client = open({ transport: 'sse' })
  const old = offsetsOf(client.channel('room/0', {}, { from: 'one.0' }))
  const fresh = offsetsOf(client.channel('room/1', {}))
  await waitUntil('it came', () => old.length === 2)
  server.publish('room/1', 'new')
  await waitUntil('it came', () => fresh.length === 1)
  assert.deepEqual([old, fresh], [[1, 3], [5]])
})

test('after close nothing is taken', async () => {
  const live = open().channel('room/1', {})
  const states: string[] = []
  realtime.onState((state) => states.push(state))
  await waitUntil('it is open', () => realtime.state === 'open')
  realtime.close()
  assert.equal(await codeOf(live.send('say')), 'closed')
  assert.throws(() => realtime.channel('room/2', {}), { code: 'closed' })
  await waitUntil('the server knows', () => server.clients.size === 0)
  assert.deepEqual(states, ['open', 'closed'])
})

test('a wrong position, a missing parameter and a wrong address are errors at once', () => {
  open()
  assert.throws(() => realtime.channel('room/1', {}, { from: '17' }), /from: no position: 17/)
  assert.throws(() => realtime.channel('room/:id', {}), /room\/:id: no :id/)
  assert.throws(() => connect('/realtime'), TypeError)
})

/** Numbers below a limit, the same each time (mulberry32). */
function randomOf(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}
