import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { get, RawClient, startServer, type TestServer } from '../../test/helpers/http.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import type { StaticFilesOptions } from './index.ts'

const app = (asked: Request) => new Response(`app ${new URL(asked.url).pathname}`)
const large = 'x'.repeat(5_000_000)

function publicFolder(): TemporaryFolder {
  const folder = temporaryFolder()
  for (const name of ['about', '.well-known', '.git']) mkdirSync(folder.file(name))
  const files = {
    'style.css': 'body { color: red }',
    'app-3f2a9b1c.js': 'hashed',
    'report-20261120.txt': 'dated',
    'about/index.html': '<p>about',
    'page.html': '<p>page',
    '.env': 'SECRET=1',
    '.git/config': 'secret',
    '.well-known/security.txt': 'contact',
    'large.txt': large,
    'packed.css': 'packed'.repeat(500),
    'ü b.txt': 'umlaut',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(folder.file(name), content)
  writeFileSync(folder.file('packed.css.gz'), gzipSync('packed'.repeat(500)))
  return folder
}

const serve = (folder: TemporaryFolder, options: Partial<StaticFilesOptions> = {}): Promise<TestServer> =>
  startServer(app, { staticFiles: [{ folder: folder.path, ...options }] })

const textOf = async (served: TestServer, path: string, init?: RequestInit): Promise<string> =>
  (await fetch(served.url + path, init)).text()

for (const live of [false, true]) {
  test(`files are served, and what is no file goes to the app (${live ? 'live' : 'listed'})`, async () => {
    using folder = publicFolder()
    await using served = await serve(folder, { live })
    const expected = {
      '/style.css': 'body { color: red }',
      '/style.css?v=2': 'body { color: red }',
      '/about': '<p>about',
      '/page': '<p>page',
      '/%C3%BC%20b.txt': 'umlaut',
      '/.well-known/security.txt': 'contact',
      '/': 'app /',
      '/missing.css': 'app /missing.css',
      '/.env': 'app /.env',
      '/%2eenv': 'app /%2eenv',
      '/.git/config': 'app /.git/config',
    }
    for (const [path, content] of Object.entries(expected)) {
      assert.equal(
        (await textOf(served, path)).replace('/.env', '/%2eenv'),
        content.replace('/.env', '/%2eenv'),
        path,
      )
    }
    assert.equal(await textOf(served, '/style.css', { method: 'POST' }), 'app /style.css')
  })

  test(`nothing outside of the folder is reached (${live ? 'live' : 'listed'})`, async () => {
    using outer = temporaryFolder()
    mkdirSync(outer.file('public'))
    mkdirSync(outer.file('public-secret'))
    writeFileSync(outer.file('secret.txt'), 'secret')
    writeFileSync(outer.file('public-secret/secret.txt'), 'secret')
    await using served = await startServer(app, {
      staticFiles: [{ folder: outer.file('public'), url: '/assets', live }],
    })
    const paths = [
      '/assets/../secret.txt',
      '/assets/..%2fsecret.txt',
      '/assets/%2e%2e/secret.txt',
      '/assets/..\\secret.txt',
      '/assets//../secret.txt',
      '/assets/../public-secret/secret.txt',
      '/assets-secret/secret.txt',
      '/assets/%00/../../secret.txt',
      '/assets/%ff/../secret.txt',
    ]
    for (const path of paths) {
      using client = await RawClient.connect(served.port, get(path, 'connection: close'))
      await waitUntil('answered', () => client.isClosed)
      assert.match(client.received, /^HTTP\/1.1 [24]/)
      assert.doesNotMatch(client.received, /\r\n\r\nsecret/, path)
    }
  })
}

test('a file is not sent again to who has it, and only names with a content hash are cached for long', async () => {
  using folder = publicFolder()
  await using served = await serve(folder, { maxAge: '1m' })
  const first = await fetch(`${served.url}/style.css`)
  await first.text()
  assert.match(first.headers.get('content-type')!, /^text\/css/)
  assert.equal(first.headers.get('cache-control'), 'public,max-age=60')
  const headers = { 'if-none-match': first.headers.get('etag')! }
  const second = await fetch(`${served.url}/style.css`, { headers })
  assert.deepEqual([second.status, await second.text()], [304, ''])
  const cacheOf = async (path: string) =>
    (await fetch(served.url + path, { method: 'HEAD' })).headers.get('cache-control')
  assert.equal(await cacheOf('/app-3f2a9b1c.js'), 'public,max-age=31536000,immutable')
  assert.equal(await cacheOf('/report-20261120.txt'), 'public,max-age=60')
})

test('HEAD has the headers and no body', async () => {
  using folder = publicFolder()
  await using served = await serve(folder)
  using client = await RawClient.connect(
    served.port,
    get('/large.txt', 'connection: close').replace('GET', 'HEAD'),
  )
  await waitUntil('answered', () => client.isClosed)
  assert.match(client.received, /content-length: 5000000\r\n[\s\S]*\r\n\r\n$/i)
})

test('parts of a file are served; a range that makes no sense gives the whole', async () => {
  using folder = publicFolder()
  await using served = await serve(folder)
  const ask = async (range: string, more = {}) => {
    const response = await fetch(`${served.url}/style.css`, { headers: { range, ...more } })
    return [response.status, await response.text(), response.headers.get('content-range')]
  }
  assert.deepEqual(await ask('bytes=5-9'), [206, '{ col', 'bytes 5-9/19'])
  assert.deepEqual(await ask('bytes=15-'), [206, 'red }'.slice(1), 'bytes 15-18/19'])
  assert.deepEqual(await ask('bytes=15-99'), [206, 'ed }', 'bytes 15-18/19'])
  assert.deepEqual((await ask('bytes=99-'))[0], 416)
  for (const range of ['bytes=9-5', 'bytes=-5', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b'])
    assert.equal((await ask(range))[0], 200, range)
  assert.equal((await ask('bytes=5-9', { 'if-range': '"other"' }))[0], 200)
})

test('a compressed file beside a file is preferred; other text is compressed on the way', async () => {
  using folder = publicFolder()
  await using served = await serve(folder)
  using client = await RawClient.connect(
    served.port,
    get('/packed.css', 'accept-encoding: gzip', 'connection: close'),
  )
  await waitUntil('answered', () => client.isClosed)
  const [head, body] = client.received.split('\r\n\r\n')
  assert.match(head!, /content-encoding: gzip/i)
  assert.match(head!, /content-length: \d+/i)
  assert.equal(gunzipSync(Buffer.from(body!, 'latin1')).toString(), 'packed'.repeat(500))
  const response = await fetch(`${served.url}/large.txt`, { headers: { 'accept-encoding': 'br' } })
  assert.equal(response.headers.get('content-encoding'), 'br')
  assert.equal((await response.text()).length, large.length)
  const part = await fetch(`${served.url}/large.txt`, {
    headers: { 'accept-encoding': 'br', range: 'bytes=0-9999' },
  })
  assert.deepEqual(
    [part.status, part.headers.get('content-encoding'), (await part.text()).length],
    [206, null, 10_000],
  )
})

test('a file that is gone, or a client that leaves in the middle, ends the connection and nothing else', async () => {
  using folder = publicFolder()
  await using served = await serve(folder)
  rmSync(folder.file('style.css'))
  await assert.rejects(textOf(served, '/style.css'))
  for (let time = 0; time < 3; time++) {
    const client = await RawClient.connect(served.port, get('/large.txt'))
    client.socket.pause()
    await waitUntil('sending', () => client.socket.bytesRead > 0)
    client.socket.destroy()
  }
  await waitUntil('ended', () => served.server.stats().active === 0)
  assert.equal(await textOf(served, '/page'), '<p>page')
})

test('two folders: the first that has the file serves it', async () => {
  using first = publicFolder()
  using second = temporaryFolder()
  writeFileSync(second.file('style.css'), 'second')
  writeFileSync(second.file('only.css'), 'only')
  await using served = await startServer(app, {
    staticFiles: [
      { folder: first.path, url: '/assets/' },
      { folder: second.path, url: '/assets' },
      { folder: second.path },
    ],
  })
  assert.equal(await textOf(served, '/assets/style.css'), 'body { color: red }')
  assert.equal(await textOf(served, '/assets/only.css'), 'only')
  assert.equal(await textOf(served, '/style.css'), 'second')
  assert.equal(await textOf(served, '/assets'), 'app /assets')
})
