import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGunzip, gunzipSync } from 'node:zlib'
import { get, RawClient, startServer } from '../../test/helpers/http.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'

const page = '<p>hello</p>'.repeat(500)
const html = { 'content-type': 'text/html; charset=utf-8' }

/** The answer as it is on the wire. */
async function ask(
  port: number,
  path: string,
  ...headers: string[]
): Promise<{ head: string; body: Buffer }> {
  using client = await RawClient.connect(port, get(path, 'connection: close', ...headers))
  await waitUntil('answered', () => client.isClosed)
  const end = client.received.indexOf('\r\n\r\n')
  return {
    head: client.received.slice(0, end).toLowerCase(),
    body: Buffer.from(client.received.slice(end + 4), 'latin1'),
  }
}

const answers: Record<string, () => Response | Promise<Response>> = {
  '/page': () => new Response(page, { headers: html }),
  '/later': async () => new Response(page, { headers: { ...html, etag: '"abc"' } }),
  '/known': () => new Response(page, { headers: { ...html, 'Content-Length': String(page.length) } }),
  '/bytes': () => new Response(new TextEncoder().encode(page), { headers: html }),
  '/small': () => new Response('<p>', { headers: html }),
  '/image': () => new Response(page, { headers: { 'content-type': 'image/png', etag: '"abc"' } }),
  '/packed': () => new Response(page, { headers: { ...html, 'content-encoding': 'zstd' } }),
  '/events': () => new Response(page, { headers: { 'content-type': 'text/event-stream' } }),
  '/as-is': () => new Response(page, { headers: { ...html, 'cache-control': 'no-transform' } }),
  '/nothing': () => new Response(null, { status: 204 }),
}
const app = (asked: Request) => answers[new URL(asked.url).pathname]!()

test('text is compressed for clients that accept it', async () => {
  await using served = await startServer(app)
  for (const path of ['/page', '/later', '/known', '/bytes']) {
    const { head, body } = await ask(served.port, path, 'accept-encoding: gzip')
    assert.match(head, /\r\ncontent-encoding: gzip/, path)
    assert.match(head, /\r\nvary: accept-encoding/, path)
    assert.match(head, /\r\nx-request-id: /, path)
    assert.doesNotMatch(head, /\r\ncontent-length: /, path)
    assert.equal(gunzipSync(unchunk(body)).toString(), page)
  }
  const response = await fetch(`${served.url}/later`, { headers: { 'accept-encoding': 'br' } })
  assert.equal(response.headers.get('content-encoding'), 'br')
  assert.equal(response.headers.get('etag'), 'W/"abc"')
  assert.equal(await response.text(), page)
})

test('what would not gain, or must not change, is sent as it is', async () => {
  await using served = await startServer(app)
  for (const path of ['/small', '/image', '/events', '/as-is', '/nothing']) {
    const { head } = await ask(served.port, path, 'accept-encoding: gzip, br')
    assert.doesNotMatch(head, /content-encoding/, path)
  }
  assert.match((await ask(served.port, '/image', 'accept-encoding: gzip')).head, /etag: "abc"/)
  assert.match((await ask(served.port, '/packed', 'accept-encoding: gzip')).head, /content-encoding: zstd/)
  for (const accepted of [[], ['accept-encoding: identity'], ['accept-encoding: gzip;q=0']]) {
    const { head, body } = await ask(served.port, '/page', ...accepted)
    assert.doesNotMatch(head, /content-encoding/)
    assert.equal(body.toString(), page)
  }
})

test('it can be switched off', async () => {
  await using served = await startServer(app, { compression: false })
  const response = await fetch(`${served.url}/page`)
  assert.equal(response.headers.get('content-encoding'), null)
  assert.equal(await response.text(), page)
})

test('a stream that is compressed arrives piece by piece', async () => {
  let send: ((text: string) => void) | undefined
  await using served = await startServer(() => {
    const body = new ReadableStream({
      start: (controller) => {
        send = (text) => controller.enqueue(new TextEncoder().encode(text))
        send('first')
      },
    })
    return new Response(body, { headers: html })
  })
  using client = await RawClient.connect(served.port, get('/', 'accept-encoding: gzip'))
  const received = () => unpackSoFar(client.received)
  await waitUntil('the first piece', async () => (await received()) === 'first')
  send!('second')
  await waitUntil('the second piece', async () => (await received()) === 'firstsecond')
})

function unchunk(body: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let rest = body; rest.length > 0;) {
    const end = rest.indexOf('\r\n')
    const length = Number.parseInt(rest.subarray(0, end).toString(), 16)
    if (!(length > 0)) break
    pieces.push(rest.subarray(end + 2, end + 2 + length))
    rest = rest.subarray(end + 2 + length + 2)
  }
  return Buffer.concat(pieces)
}

/** What can be unpacked of an answer that has not ended. */
async function unpackSoFar(received: string): Promise<string> {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return ''
  const gunzip = createGunzip()
  let text = ''
  gunzip.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await new Promise((resolve) =>
    gunzip.write(unchunk(Buffer.from(received.slice(end + 4), 'latin1')), resolve),
  )
  await new Promise((resolve) => setImmediate(resolve))
  gunzip.destroy()
  return text
}
