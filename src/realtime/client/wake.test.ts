import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolServer } from '../../../test/helpers/realtime-protocol-server.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { connect } from './index.ts'

test('a page that is looked at again asks whether its connection lives, and comes back at once', async () => {
  const document = new EventTarget()
  Object.assign(globalThis, { document })
  await using server = new ProtocolServer()
  await server.listen()
  const { port } = server
  using ended = new DisposableStack()
  const realtime = connect(server.url, { transport: 'websocket' })
  ended.defer(() => {
    realtime.close()
    Reflect.deleteProperty(globalThis, 'document')
  })
  const live = realtime.channel('room/1', {})
  await waitUntil('it is there', () => live.position)
  document.dispatchEvent(new Event('visibilitychange'))
  await waitUntil('the server was asked', () => server.received.some((message) => 'ping' in message))
  assert.equal(server.connects, 1)

  await server.close()
  await waitUntil('it waits, longer each time', () => realtime.state === 'waiting')
  await using next = new ProtocolServer()
  await next.listen(port)
  await waitUntil('it is back without its time', () => {
    document.dispatchEvent(new Event('visibilitychange'))
    return realtime.state === 'open'
  })
})
