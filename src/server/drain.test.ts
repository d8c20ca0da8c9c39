import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { get, RawClient, startServer, type TestServer } from '../../test/helpers/http.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Server, type DrainReport } from './index.ts'

const app = {
  async fetch(asked: Request): Promise<Response> {
    if (asked.method === 'POST') return new Response(await asked.text())
    if (asked.url.endsWith('/slow')) await new Promise((resolve) => setTimeout(resolve, 20))
    return new Response('hello')
  },
}
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** One request without a second try; fails when anything else than the right answer comes. */
async function ask(port: number, agent: Agent | false, number: number): Promise<void> {
  const [path, body] = number % 5 === 0 ? ['/slow', ''] : ['/', number % 3 === 0 ? 'x'.repeat(1_000) : '']
  const asked = request({ host: '127.0.0.1', port, agent, path, method: body ? 'POST' : 'GET' })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }]
  let received = ''
  for await (const chunk of response) received += chunk.toString()
  assert.deepEqual([response.statusCode, received], [200, body || 'hello'])
}

test('10 switches between servers under load: no request fails', { timeout: 60_000 }, async (t) => {
  let current = new Server({ app, listen: false, logger: silent })
  await current.start()
  const door = createServer({ pauseOnConnect: true }, (socket) => current.accept(socket))
  door.listen(0, '127.0.0.1')
  await once(door, 'listening')
  const { port } = door.address() as AddressInfo
  let finished = 0
  const over = new AbortController()
  const errors: unknown[] = []
  const client = async (isKeptAlive: boolean, pause: number): Promise<void> => {
    const agent = isKeptAlive && new Agent({ keepAlive: true, maxSockets: 1 })
    for (let number = 0; !over.signal.aborted; number++) {
      await ask(port, agent, number).then(
        () => finished++,
        (error) => errors.push(error),
      )
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause * Math.random()))
    }
    if (agent) agent.destroy()
  }
  const clients = Array.from({ length: 16 }, (_, number) => client(number % 2 === 0, number % 4 < 2 ? 0 : 30))
  const drains: Promise<DrainReport>[] = []
  const within = { finished: 0 }
  // Whether a request runs at the moment of a switch is a matter of speed; some time one does.
  for (let round = 0; round < 10 || within.finished === 0; round++) {
    const enough = finished + 200
    await waitUntil('some requests', () => finished >= enough, 20_000)
    const [old, next] = [current, new Server({ app, listen: false, logger: silent })]
    await next.start()
    current = next
    const drained = old.drain({ idle: 500, timeout: 20_000 }).then(async (report) => {
      within.finished += report.finished
      await old.stop()
      return report
    })
    drains.push(drained)
  }
  const reports = await Promise.all(drains)
  over.abort()
  await Promise.all(clients)
  await current.stop()
  door.close()
  t.diagnostic(
    `${finished} requests, ${within.finished} of them finished within drains, ${errors.length} failed`,
  )
  assert.deepEqual(errors, [])
  assert.deepEqual(
    reports.map(({ cut }) => cut.connections),
    reports.map(() => 0),
  )
})

const started = async (options = {}): Promise<TestServer & { answer: (text: string) => void }> => {
  const answers: ((response: Response) => void)[] = []
  const served = await startServer((asked) => {
    if (new URL(asked.url).pathname !== '/wait') return new Response('at once')
    return new Promise((resolve) => answers.push(resolve))
  }, options)
  return { ...served, answer: (text) => answers.shift()!(new Response(text)) }
}

test('what runs is finished and its connection closed; nobody new is accepted', async () => {
  await using served = await started()
  using client = await RawClient.connect(served.port, get('/wait'))
  await waitUntil('asked', () => served.server.stats().active === 1)
  const drained = served.server.drain()
  await assert.rejects(RawClient.connect(served.port), { code: 'ECONNREFUSED' })
  assert.equal(served.server.address, undefined)
  served.answer('late')
  const report = await drained
  await waitUntil('closed', () => client.isClosed)
  assert.match(client.received, /^HTTP\/1.1 200 OK\r\n[\s\S]*connection: close\r\n[\s\S]*\r\n\r\nlate$/i)
  assert.deepEqual([report.finished, report.cut], [1, { requests: 0, connections: 0, paths: [] }])
})

test('an idle connection may ask once more, and is closed when it has been silent', async () => {
  await using served = await started()
  using asking = await RawClient.connect(served.port, get('/'))
  using silent = await RawClient.connect(served.port, get('/'))
  using unused = await RawClient.connect(served.port)
  await waitUntil('answered', () => [asking, silent].every(({ received }) => received.endsWith('at once')))
  await waitUntil('accepted', () => served.server.stats().connections === 3)
  const drained = served.server.drain({ idle: 300 })
  assert.equal(asking.isClosed, false)
  asking.received = ''
  asking.socket.write(get('/'))
  await waitUntil('answered', () => asking.isClosed)
  assert.match(asking.received, /connection: close/i)
  assert.deepEqual([silent.isClosed, unused.isClosed], [false, false])
  const { duration, cut } = await drained
  assert.ok(duration >= 300, `closed after ${duration} ms`)
  assert.equal(cut.connections, 0)
  await waitUntil('closed', () => silent.isClosed && unused.isClosed)
})

test('at the time limit the rest is cut off and reported', async () => {
  await using served = await started()
  using client = await RawClient.connect(served.port, get('/wait?secret'))
  using slow = await RawClient.connect(served.port, 'GET / HT')
  await waitUntil(
    'asked',
    () => served.server.stats().active === 1 && served.server.stats().connections === 2,
  )
  const { finished, cut, duration } = await served.server.drain({ timeout: 200, idle: '1m' })
  assert.deepEqual([finished, cut], [0, { requests: 1, connections: 2, paths: ['/wait'] }])
  assert.ok(duration >= 199)
  await waitUntil('closed', () => client.isClosed && slow.isClosed)
  assert.ok(served.logger.lines.some(({ level, message }) => level === 'warn' && /cut off/.test(message)))
})

test('requests that were sent without waiting are all answered', async () => {
  await using served = await started()
  using client = await RawClient.connect(served.port, get('/wait') + get('/') + get('/'))
  await waitUntil('asked', () => served.server.stats().active === 3)
  const drained = served.server.drain({ idle: 50 })
  served.answer('first')
  assert.equal((await drained).cut.connections, 0)
  await waitUntil('closed', () => client.isClosed)
  assert.deepEqual(client.received.match(/first|at once/g), ['first', 'at once', 'at once'])
  assert.doesNotMatch(client.received, /connection: close/i)
})

test('a connection that is handed over during a drain is served', async () => {
  await using served = await started()
  using holding = await RawClient.connect(served.port, get('/wait'))
  await waitUntil('asked', () => served.server.stats().active === 1)
  const drained = served.server.drain()
  const door = createServer((socket: Socket) => served.server.accept(socket)).listen(0, '127.0.0.1')
  await once(door, 'listening')
  using late = await RawClient.connect((door.address() as AddressInfo).port, get('/'))
  await waitUntil('answered', () => late.isClosed)
  assert.match(late.received, /connection: close[\s\S]*at once$/i)
  served.answer('done')
  await drained
  assert.match(holding.received, /done$/)
  door.close()
})

test('a drain that is called again is shared, with the tighter limits; listeners hear of it once', async () => {
  await using served = await started()
  let heard = 0
  served.server.onDrain(() => {
    heard++
    throw new Error('a listener that fails')
  })
  using client = await RawClient.connect(served.port, get('/wait'))
  await waitUntil('asked', () => served.server.stats().active === 1)
  const first = served.server.drain({ timeout: '1h' })
  const second = await served.server.drain({ timeout: 50 })
  assert.deepEqual(await first, second)
  assert.deepEqual([second.cut.requests, heard], [1, 1])
  await waitUntil('closed', () => client.isClosed)
  assert.ok(served.logger.lines.some(({ level }) => level === 'error'))
})

const endless = (): Response =>
  new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    }),
    { headers: { 'content-type': 'text/event-stream' } },
  )

test('who owns WebSockets and event streams says goodbye first; what is left then is closed', async () => {
  await using served = await startServer(endless)
  const sockets: Duplex[] = []
  served.server.onUpgrade((_request, socket) => {
    sockets.push(socket.resume().on('end', () => socket.end()))
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  })
  const owner = Promise.withResolvers<void>()
  const told: number[] = []
  served.server.onDrain(({ timeout }) => (told.push(timeout), owner.promise))
  const upgrade = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
  using polite = await RawClient.connect(served.port, upgrade)
  using left = await RawClient.connect(served.port, upgrade)
  using stream = await RawClient.connect(served.port, get('/'))
  await waitUntil('all are connected', () => sockets.length === 2 && stream.received.includes('data: 1'))
  await waitUntil('greeted', () => polite.received.includes('101') && left.received.includes('101'))
  const drained = served.server.drain({ timeout: '1m', idle: 10 })
  sockets[0]!.end('bye')
  await waitUntil('it was heard', () => polite.isClosed)
  assert.match(polite.received, /Protocols\r\n\r\nbye$/)
  assert.deepEqual([told, left.isClosed, stream.received.includes('retry:')], [[60_000], false, false])
  owner.resolve()
  await waitUntil('the rest is told to go', () => left.received.endsWith('\x88\x02\x03\xf4'))
  await waitUntil('streams too', () => stream.received.includes('retry:') && stream.isClosed)
  left.socket.destroy()
  assert.deepEqual((await drained).cut.connections, 0)
})

test('stop() drains; a server that was stopped can be started again', async () => {
  await using served = await started()
  using client = await RawClient.connect(served.port, get('/wait'))
  await waitUntil('asked', () => served.server.stats().active === 1)
  const stopped = served.server.stop({ timeout: '10s' })
  served.answer('late')
  await stopped
  await waitUntil('closed', () => client.isClosed)
  assert.match(client.received, /late$/)
  await served.server.start()
  assert.equal(await (await fetch(served.server.address!)).text(), 'at once')
})

const events = (): Response => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel: () => void cancelled++,
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
let cancelled = 0

test('streams of events end with a hint when to come back, those that begin during the drain too', async () => {
  await using served = await startServer(events)
  using client = await RawClient.connect(served.port, get('/events', 'accept-encoding: gzip'))
  using idle = await RawClient.connect(served.port, get('/events').slice(0, 20))
  await waitUntil('streaming', () => client.received.includes('data: 1'))
  const drained = served.server.drain({ idle: 1_000 })
  idle.socket.write(get('/events').slice(20))
  const { cut } = await drained
  await waitUntil('closed', () => client.isClosed && idle.isClosed)
  for (const { received } of [client, idle])
    assert.match(received, /data: 1[\s\S]*retry: \d{3,4}\n\r\n0\r\n\r\n$/)
  assert.equal(cut.connections, 0)
  await waitUntil('the app heard of it', () => cancelled === 2)
})

const upgrade = (protocol: string): string => get('/socket', 'connection: upgrade', `upgrade: ${protocol}`)
const greeting = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'

test('WebSockets are told that the service restarts; one that was not greeted yet, after its greeting', async () => {
  await using served = await started()
  const taken: Socket[] = []
  served.server.onUpgrade((_, socket) => {
    taken.push(socket as Socket)
    socket.on('error', () => {}).on('end', () => socket.end())
  })
  using greeted = await RawClient.connect(served.port, upgrade('websocket'))
  using waiting = await RawClient.connect(served.port, upgrade('WebSocket'))
  using stubborn = await RawClient.connect(served.port, upgrade('websocket'))
  await waitUntil('upgraded', () => taken.length === 3)
  taken[0]!.write(greeting)
  taken[2]!.write(greeting)
  await waitUntil('greeted', () => greeted.received === greeting && stubborn.received === greeting)
  assert.equal(served.server.stats().connections, 3)
  const drained = served.server.drain({ timeout: 1_500 })
  const goodbye = `${greeting}\x88\x02\x03\xf4`
  await waitUntil('told', () => greeted.received === goodbye && stubborn.received === goodbye)
  assert.equal(waiting.received, '')
  taken[1]!.write(greeting)
  await waitUntil('told', () => waiting.received === goodbye)
  greeted.socket.end()
  waiting.socket.end()
  const { cut } = await drained
  assert.deepEqual(cut, { requests: 0, connections: 1, paths: [] })
})

test('clients that go away while their upgrade is refused end nothing', async () => {
  await using served = await started()
  for (let round = 0; round < 20; round++) {
    using client = await RawClient.connect(served.port, upgrade('websocket').repeat(2))
    client.socket.resetAndDestroy()
  }
  using client = await RawClient.connect(served.port, upgrade('websocket'))
  await waitUntil('refused', () => client.isClosed)
  assert.match(client.received, /^HTTP\/1.1 400 .*There are no WebSockets here/s)
})

test('a listener of upgrades that throws loses its connection, not the process', async () => {
  await using served = await started()
  served.server.onUpgrade(() => {
    throw new Error('broken')
  })
  using client = await RawClient.connect(served.port, upgrade('websocket'))
  await waitUntil('closed', () => client.isClosed)
  assert.ok(served.logger.lines.some(({ level }) => level === 'error'))
})

test('without a listener WebSockets are refused, and other upgrades are requests as any other', async () => {
  await using served = await started()
  using refused = await RawClient.connect(served.port, upgrade('websocket'))
  await waitUntil('refused', () => refused.isClosed)
  assert.match(refused.received, /^HTTP\/1.1 400 /)
  using other = await RawClient.connect(served.port, upgrade('h2c'))
  await waitUntil('answered', () => other.received.endsWith('at once'))
})
