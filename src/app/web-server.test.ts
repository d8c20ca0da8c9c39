import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { appFolder } from '../../test/helpers/app-folder.ts'
import { TestClient } from '../../test/helpers/realtime-client.ts'
import { TestStream } from '../../test/helpers/realtime-stream.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Handcar } from './handcar.ts'
import { loadConfig } from './load-config.ts'
import { webServer } from './web-server.ts'

const channels = `
import { defineChannel, unchecked } from 'handcar/realtime'
export const room = defineChannel({ name: 'room/:id', messages: { said: unchecked() }, public: true })`

/** The server of a web process, behind a door as a supervisor is one. */
async function started(config: string) {
  const folder = appFolder({ 'src/channels.js': channels, 'handcar.config.js': config })
  const logger = recordingLogger()
  const handcar = new Handcar(await loadConfig(folder.path), { role: 'web', migrate: true, logger })
  await handcar.start()
  const server = await webServer(handcar, { fetch: (request) => new Response(new URL(request.url).pathname) })
  await server.start()
  const door = createServer({ pauseOnConnect: true }, (socket) => server.accept(socket)).listen(
    0,
    '127.0.0.1',
  )
  await once(door, 'listening')
  return {
    handcar,
    server,
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      door.close()
      await server.stop({ timeout: 5_000 })
      await handcar.stop()
      folder[Symbol.dispose]()
    },
  }
}

test('clients are counted by the address that a trusted proxy tells, whatever carries their messages', async () => {
  await using app = await started('export default { realtime: { limits: { perAddress: 1 } } }')
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
  const path = `${app.url}/realtime`
  using first = await TestClient.connect(path, from('203.0.113.7'))
  using second = new TestClient(path, from('203.0.113.7'))
  assert.equal((await second.untilClosed()).code, 4029)
  const query = `${path}?channel=room/1`
  assert.equal((await fetch(query, from('203.0.113.7'))).status, 429)
  using other = await TestClient.connect(path, from('203.0.113.8'))
  await using _stream = await TestStream.open(query, from('203.0.113.9').headers)
  assert.deepEqual([first.closed, other.closed], [undefined, undefined])
  assert.equal(app.handcar.realtime.here?.connections, 3)
})

test('realtime has its own paths only, and says goodbye before the server closes what is left', async () => {
  await using app = await started("export default { realtime: { path: '/live' } }")
  for (const path of ['/', '/realtime', '/lives', '/live/', '/live/client.jsx'])
    assert.equal(await (await fetch(app.url + path)).text(), path)
  assert.equal((await fetch(`${app.url}/live`)).status, 400)
  assert.match((await fetch(`${app.url}/live/client.js?v=1`)).headers.get('content-type')!, /javascript/)
  using elsewhere = new TestClient(`${app.url}/realtime`)
  assert.equal((await elsewhere.untilClosed()).code, 1006)
  using client = await TestClient.of(`${app.url}/live`, 'room/1')
  await using stream = await TestStream.open(`${app.url}/live?channel=room/1`)
  await waitUntil('it is subscribed', () => stream.messages.some((message) => 'subscribed' in message))
  const { cut } = await app.server.drain({ timeout: '30s', idle: 50 })
  assert.equal(cut.connections, 0)
  assert.deepEqual(await client.untilClosed(), { code: 1012, reason: 'The server restarts' })
  for (const { messages } of [client, stream])
    await waitUntil('a goodbye', () => messages.some((message) => 'bye' in message))
})
