import assert from 'node:assert/strict'
import { request, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { bindAndDie } from '../../test/helpers/dead-socket.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { get, RawClient, startServer } from '../../test/helpers/http.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Server, type RequestEnvironment } from './index.ts'

const hello = () => new Response('hello')

test('an app is served, and told who asks', async () => {
  let environment: RequestEnvironment | undefined
  await using served = await startServer((request, given) => {
    environment = given
    return new Response(`${request.method} ${new URL(request.url).pathname}`)
  })
  const response = await fetch(`${served.url}/posts?page=2`)
  assert.equal(await response.text(), 'GET /posts')
  assert.equal(environment!.clientAddress, '127.0.0.1')
  assert.match(environment!.requestId, /^[\w-]{16}-1$/)
  assert.equal(response.headers.get('x-request-id'), environment!.requestId)
  assert.equal(environment!.incoming.url, '/posts?page=2')
  assert.ok(environment!.outgoing)
})

test('each request is one line of the log, without its query', async () => {
  await using served = await startServer(hello)
  const response = await fetch(`${served.url}/posts?token=secret`)
  await response.text()
  await waitUntil('logged', () => served.logger.lines.length > 0)
  const [line] = served.logger.lines
  assert.deepEqual([line!.level, line!.message], ['info', 'request'])
  const { duration, bytes, ...rest } = line!.fields
  assert.ok((duration as number) >= 0 && (bytes as number) > 100)
  assert.deepEqual(rest, {
    method: 'GET',
    path: '/posts',
    status: 200,
    clientAddress: '127.0.0.1',
    requestId: response.headers.get('x-request-id'),
  })
})

test('a log line for each request can be switched off', async () => {
  await using served = await startServer(hello, { accessLog: false })
  await (await fetch(served.url)).text()
  await waitUntil('counted', () => served.server.stats().requests === 1)
  assert.deepEqual(served.logger.lines, [])
})

const failures: Record<string, () => Response | Promise<Response>> = {
  throws: () => {
    throw new Error('secret reason')
  },
  rejects: () => Promise.reject(new Error('secret reason')),
  'answers nothing': () => undefined as never,
  'answers nothing later': async () => undefined as never,
}
for (const [name, fetchOfApp] of Object.entries(failures)) {
  test(`an app that ${name}: 500 with the request id; the reason goes to the log only`, async () => {
    await using served = await startServer(fetchOfApp)
    const response = await fetch(`${served.url}/broken`)
    const text = await response.text()
    const requestId = response.headers.get('x-request-id')!
    assert.equal(response.status, 500)
    assert.ok(text.includes(requestId) && !/secret|at .*:\d/.test(text), text)
    const logged = served.logger.lines.find(({ level }) => level === 'error')!
    assert.deepEqual([logged.fields.requestId, logged.fields.path], [requestId, '/broken'])
    assert.ok(logged.fields.err instanceof Error)
  })
}

test('a response that fails after it began ends its connection, so that nobody takes it for whole', async (t) => {
  await using served = await startServer(() => {
    let pulls = 0
    const body = new ReadableStream({
      pull: async (controller) => {
        if (pulls++ === 3) throw new Error('broken')
        controller.enqueue(new TextEncoder().encode('x'.repeat(10)))
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
    return new Response(body)
  })
  t.mock.method(console, 'error', () => {}) // the adapter prints it
  const response = await fetch(served.url)
  await assert.rejects(response.text())
  await waitUntil('counted', () => served.server.stats().requests === 1)
  assert.ok(served.logger.lines.some(({ level, fields }) => level === 'error' && fields.err instanceof Error))
})

test('a body up to the limit is read; more is answered with 413, announced or not', async () => {
  await using served = await startServer(
    async (request) => new Response(String((await request.text()).length)),
    { bodyLimit: 1_000 },
  )
  const post = async (length: number, isAnnounced: boolean) => {
    const bytes = new TextEncoder().encode('x'.repeat(length))
    const body = isAnnounced ? bytes : new Blob([bytes]).stream()
    const init: RequestInit = { method: 'POST', body, duplex: 'half' }
    const response = await fetch(served.url, init)
    return [response.status, (await response.text()).trim()]
  }
  for (const isAnnounced of [true, false]) {
    assert.deepEqual(await post(1_000, isAnnounced), [200, '1000'])
    assert.deepEqual(await post(1_001, isAnnounced), [413, 'The body of the request is too large.'])
    assert.deepEqual(await post(500_000, isAnnounced), [413, 'The body of the request is too large.'])
  }
  assert.deepEqual(
    served.logger.lines.filter(({ level }) => level === 'error'),
    [],
  )
})

test('a client that asks before it sends its body is told no before it does', async () => {
  await using served = await startServer(async (request) => new Response(await request.text()), {
    bodyLimit: 10,
  })
  const ask = async (body: string) => {
    const headers = { expect: '100-continue', 'content-length': body.length }
    const asked = request(served.url, { method: 'POST', headers, agent: false })
    let isContinued = false
    asked.on('continue', () => {
      isContinued = true
      asked.end(body)
    })
    asked.flushHeaders()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    asked.destroy()
    return [isContinued, response.statusCode]
  }
  assert.deepEqual(await ask('0123456789'), [true, 200])
  assert.deepEqual(await ask('0123456789a'), [false, 413])
})

test('a client that goes on sending a body that is refused is cut off', async () => {
  await using served = await startServer(hello, { bodyLimit: 10 })
  using client = await RawClient.connect(
    served.port,
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nxxxx',
  )
  await waitUntil('refused', () => client.received.startsWith('HTTP/1.1 413'))
  await waitUntil('cut off', () => client.isClosed)
})

for (const handedOver of [false, true]) {
  test(`a client that is slow with its head is cut off (${handedOver ? 'handed over' : 'accepted'})`, async () => {
    await using served = await startServer(hello, { headersTimeout: 100, requestTimeout: 200 })
    const door = createServer({ pauseOnConnect: true }, (socket) => served.server.accept(socket))
    door.listen(0, '127.0.0.1')
    await once(door, 'listening')
    const port = handedOver ? (door.address() as AddressInfo).port : served.port
    using client = await RawClient.connect(port, 'GET / HTTP/1.1\r\nhost: loc')
    await waitUntil('cut off', () => client.isClosed)
    assert.match(client.received, /^HTTP\/1.1 408 /)
    door.close()
  })
}

test('behind a trusted proxy the client, the URL and the request id are those that it says', async () => {
  await using served = await startServer((request, { clientAddress, requestId }) =>
    Response.json({ url: request.url, clientAddress, requestId }),
  )
  const headers = {
    'x-forwarded-for': '10.0.0.1, 203.0.113.7, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'example.com',
    'x-request-id': 'abc.def-1',
  }
  const response = await fetch(`${served.url}/a?b=c`, { headers })
  assert.deepEqual(await response.json(), {
    url: 'https://example.com/a?b=c',
    clientAddress: '203.0.113.7',
    requestId: 'abc.def-1',
  })
  const plain = await (await fetch(`${served.url}/a`, { headers: { 'x-forwarded-proto': 'http' } })).json()
  assert.equal((plain as { url: string }).url, `${served.url}/a`)
})

test('nobody else is believed, and an id that could break a log is not taken', async () => {
  await using untrusting = await startServer(
    (request, { clientAddress, requestId }) => Response.json([request.url, clientAddress, requestId]),
    { trustedProxies: [] },
  )
  const headers = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https', 'x-request-id': 'mine' }
  const [url, address, id] = (await (await fetch(untrusting.url, { headers })).json()) as string[]
  assert.deepEqual([url, address], [`${untrusting.url}/`, '127.0.0.1'])
  assert.notEqual(id, 'mine')
  await using trusting = await startServer(hello)
  for (const wrong of ['a b', 'x'.repeat(129), '"']) {
    const response = await fetch(trusting.url, { headers: { 'x-request-id': wrong } })
    assert.notEqual(response.headers.get('x-request-id'), wrong)
    await response.text()
  }
})

test('an upgrade knows its client and its scheme as a request does', async () => {
  await using served = await startServer(() => new Response('hello'))
  const seen: object[] = []
  served.server.onUpgrade(({ headers, socket }, stream, _head, environment) => {
    seen.push({ ...environment, host: headers.host, isEncrypted: 'encrypted' in socket && socket.encrypted })
    stream.destroy()
  })
  const forwarded =
    'x-forwarded-for: 203.0.113.7\r\nx-forwarded-proto: https\r\nx-forwarded-host: example.com\r\nx-request-id: mine\r\n'
  const upgrade = (more: string): string =>
    `GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n${more}\r\n`
  using _client = await RawClient.connect(served.port, upgrade(forwarded))
  await waitUntil('it was handed over', () => seen.length === 1)
  assert.deepEqual(seen, [
    { requestId: 'mine', clientAddress: '203.0.113.7', host: 'example.com', isEncrypted: true },
  ])
})

test('requests that make no sense are answered with 400, and the app does not see them', async () => {
  let seen = 0
  await using served = await startServer(() => {
    seen++
    return new Response('')
  })
  const wrong = ['nonsense\r\n\r\n', 'GET / HTTP/1.1\r\nhost: a b\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n']
  for (const bytes of wrong) {
    using client = await RawClient.connect(served.port, bytes)
    await waitUntil('answered', () => client.received.startsWith('HTTP/1.1 400'))
  }
  assert.equal(seen, 0)
})

test('counts requests by class of status, with the time they took', async () => {
  await using served = await startServer(
    (request) => new Response('', { status: request.url.endsWith('/no') ? 404 : 200 }),
  )
  for (const path of ['/', '/', '/no']) await (await fetch(served.url + path)).text()
  await waitUntil('counted', () => served.server.stats().requests === 3)
  const { statuses, active, connections, latency, requestsPerSecond } = served.server.stats()
  assert.deepEqual([statuses, active, latency.count], [{ '2xx': 2, '4xx': 1 }, 0, 3])
  assert.ok(connections >= 1 && latency.max > 0 && requestsPerSecond > 0)
})

test('a client that leaves before its answer is counted and logged as 499', async () => {
  const isAsked = Promise.withResolvers<void>()
  await using served = await startServer((request) => {
    isAsked.resolve()
    return new Promise((resolve) => request.signal.addEventListener('abort', () => resolve(new Response(''))))
  })
  const client = await RawClient.connect(served.port, get('/slow'))
  await isAsked.promise
  client.socket.destroy()
  await waitUntil('logged', () => served.logger.lines.some(({ fields }) => fields.status === 499))
  assert.deepEqual(served.server.stats().statuses, { '4xx': 1 })
})

test('a port that is taken: says by whom', async () => {
  await using served = await startServer(hello)
  const second = new Server({ app: { fetch: hello }, listen: { port: served.port } })
  const error = await errorOf(() => second.start())
  assert.equal(error.code, 'HANDCAR_PORT_IN_USE')
  assert.ok(error.message.includes(`port ${served.port} of 127.0.0.1`), error.message)
  if (process.platform === 'linux')
    assert.ok(error.message.includes(`process ${process.pid} (`), error.message)
})

test('an address that is not of this machine is refused', async () => {
  const server = new Server({ app: { fetch: hello }, listen: { host: '203.0.113.7', port: 0 } })
  assert.equal(await codeOf(() => server.start()), 'HANDCAR_OPTION_INVALID')
})

test('listens on a unix socket, also where a dead process left one behind', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.socket')
  const forgotten = createServer().listen(path)
  await once(forgotten, 'listening')
  const isTaken = new Server({ app: { fetch: hello }, listen: { path } })
  assert.equal(await codeOf(() => isTaken.start()), 'HANDCAR_PORT_IN_USE')
  forgotten.close()
  await bindAndDie(path)
  await using served = await startServer((_, { clientAddress }) => new Response(clientAddress), {
    listen: { path },
  })
  assert.equal(served.url, `unix:${path}`)
  const socket = connect(path)
  socket.setEncoding('utf8').write(get('/', 'connection: close'))
  let received = ''
  for await (const text of socket) received += text
  assert.match(received, /^HTTP\/1.1 200 [\s\S]*127\.0\.0\.1$/)
})

test('accept() and drain() need a server that was started', async () => {
  const server = new Server({ app: { fetch: hello }, listen: false })
  assert.equal(await codeOf(() => server.drain()), 'HANDCAR_NOT_STARTED')
  assert.equal(
    await codeOf(() => server.accept(connect({ port: 9, host: '127.0.0.1' }).on('error', () => {}))),
    'HANDCAR_NOT_STARTED',
  )
  assert.deepEqual([server.address, server.stats().requests], [undefined, 0])
})

test('wrong options are refused', async () => {
  const app = { fetch: hello }
  const wrong = [
    {},
    { app: hello },
    { app, listen: { port: 65_536 } },
    { app, listen: { path: '' } },
    { app, listen: true },
    { app, staticFiles: [{}] },
    { app, staticFiles: 'public' },
    { app, staticFiles: [{ folder: 'public', url: 'assets' }] },
    { app, bodyLimit: -1 },
    { app, trustedProxies: ['nobody'] },
    { app, trustedProxies: ['10.0.0.0/33'] },
    { app, trustedProxies: '127.0.0.1' },
    { app, healthPath: 'up' },
    { app, checks: [{ name: 'a' }] },
    { app, checks: [1] },
    { app, statusToken: '' },
    { app, logger: {} },
  ]
  for (const options of wrong) {
    assert.equal(
      await codeOf(() => new Server(options as never)),
      'HANDCAR_OPTION_INVALID',
      JSON.stringify(options),
    )
  }
  assert.equal(await codeOf(() => new Server({ app, prot: 1 } as never)), 'HANDCAR_OPTION_UNKNOWN')
  const server = new Server({ app, staticFiles: [{ folder: '/nowhere' }], listen: { port: 0 } })
  assert.equal(await codeOf(() => server.start()), 'HANDCAR_OPTION_INVALID')
})
