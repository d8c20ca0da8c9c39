import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ProtocolServer } from '../../test/helpers/realtime-protocol-server.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { answerClientFile, clientFile } from './client-file.ts'
import type * as client from './client/index.ts'

test('the client has less than 4 kB, minified and compressed', async (t) => {
  const { text } = await clientFile()
  const size = gzipSync(text, { level: 9 }).length
  t.diagnostic(`${text.length} bytes, ${size} with gzip`)
  assert.ok(size < 4096, `${size} bytes`)
  assert.doesNotMatch(text, /\bimport\b|\brequire\b|\bprocess\b/)
})

test('it is told only once', async () => {
  const url = 'http://localhost/realtime/client.js'
  const first = await answerClientFile(new Request(url))
  assert.equal(first.headers.get('content-type'), 'text/javascript; charset=utf-8')
  const etag = first.headers.get('etag')!
  const second = await answerClientFile(new Request(url, { headers: { 'if-none-match': etag } }))
  assert.equal(second.status, 304)
})

for (const transport of ['websocket', 'sse'] as const) {
  test(`minified it does all that it does, by ${transport}`, async () => {
    const { text } = await clientFile()
    const { connect, RealtimeError } = (await import(
      `data:text/javascript,${encodeURIComponent(text)}`
    )) as typeof client
    await using server = new ProtocolServer()
    await server.listen()
    using ended = new DisposableStack()
    server.intercept = (message) => 'send' in message && message.data === 'never'
    const realtime = connect(server.url, { transport, token: () => 'secret' })
    ended.defer(() => realtime.close())
    const heard: unknown[] = []
    const hear =
      (name: string) =>
      (...values: unknown[]): number =>
        heard.push([name, ...values])
    realtime.onState(hear('state'))
    const live = realtime.channel('room/:id', { id: 'a b' }, { from: 'one.0', presence: { name: 'Ann' } })
    live.on('posted', (data) => heard.push(data))
    live.onSubscribed(hear('subscribed'))
    live.onGap(hear('gap'))
    live.onPresence(hear('presence'))
    live.onEnd(({ code }) => heard.push(code))
    server.publish('room/a%20b', 'first')
    await waitUntil('it came', () => heard.includes('first'))
    assert.equal(server.client.url.searchParams.get('token'), 'secret')
    server.client.cut()
    await waitUntil('it is gone', () => server.clients.size === 0)
    assert.deepEqual(await live.send('say', 1), { handled: 1 })
    await waitUntil('it is back', () => heard.flat().filter((each) => each === 'subscribed').length === 2)
    server.say({ presence: 'room/a%20b', present: [] })
    server.say({ gap: 'room/a%20b', position: 'one.1' })
    server.say({ unsubscribed: 'room/a%20b', code: 'forbidden' })
    await waitUntil('it has ended', () => heard.includes('forbidden'))
    const late = live.send('say', 'never', { timeout: 1 })
    await assert.rejects(late, { name: 'TimeoutError' })
    realtime.close()
    await assert.rejects(
      live.send('say'),
      (error) => error instanceof RealtimeError && error.code === 'closed',
    )
    assert.deepEqual(heard, [
      ['state', 'open'],
      ['subscribed', { position: 'one.0', recovered: true }],
      'first',
      ['state', 'waiting'],
      ['state', 'connecting'],
      ['state', 'open'],
      ['subscribed', { position: 'one.1', recovered: true }],
      ['presence', { present: [], joined: [], left: [] }],
      ['gap', { position: 'one.1' }],
      'forbidden',
      ['state', 'closed'],
    ])
  })
}
