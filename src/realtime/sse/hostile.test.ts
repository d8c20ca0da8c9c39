import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../../test/crash/random.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { TestStream } from '../../../test/helpers/realtime-stream.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const any = unchecked<unknown>()
const room = defineChannel({
  name: 'room/:id',
  public: true,
  presence: true,
  messages: { posted: any },
  send: { say: any },
  onMessage: ({ data }) => data,
})

const words = [
  'room/1',
  'room/%',
  '__proto__',
  'constructor',
  'e.1',
  '.',
  'NaN',
  '-1',
  '1e999',
  '{',
  '{}',
  'null',
  '%00',
  '\n',
  'é',
  '🙂',
]
const names = ['channel', 'from', 'presence', 'token', '__proto__', '']

test('whatever is asked for and posted is answered, nothing is an error of the server, and nothing stays', async (t) => {
  const random = new Random()
  t.diagnostic(`seed ${random.seed}`)
  await using server = await RealtimeServer.start({ channels: [room] })
  for (let count = 0; count < 300; count++) {
    const query = new URLSearchParams()
    for (let each = random.between(0, 6); each > 0; each--)
      query.append(random.pick(names), random.pick(words))
    const abort = new AbortController()
    const headers = random.chance(0.3) ? { 'last-event-id': random.pick(['e.1', 'x', '9'.repeat(50)]) } : {}
    const response = await fetch(`${server.url}?${query.toString()}`, { signal: abort.signal, headers })
    assert.ok(response.status < 500, `${response.status} for ${query.toString()}`)
    abort.abort()
  }
  for (let count = 0; count < 300; count++) {
    const message: Record<string, unknown> = {}
    for (const key of ['send', 'type', 'data', 'id', 'key', '__proto__', 'subscribe'])
      if (random.chance(0.7)) message[key] = random.pick<unknown>([...words, 'say', 1, null, [], {}, true])
    const text = JSON.stringify(message)
    const body = random.chance(0.7) ? text : text.slice(random.between(0, text.length))
    const response = await fetch(server.url, { method: 'POST', body })
    assert.ok(response.status < 500, `${response.status} for ${body}`)
    const answer = (await response.json()) as object
    assert.ok('ack' in answer || 'error' in answer)
  }
  const ambiguous = { send: {}, type: 'say', data: 1, id: 1, subscribe: 'room/1' }
  const refused = await fetch(server.url, { method: 'POST', body: JSON.stringify(ambiguous) })
  assert.equal(refused.status, 400)
  const many = Array.from({ length: 400 }, (_, number) => `channel=room/${number}`).join('&')
  await using stream = await TestStream.open(`${server.url}?${many}`)
  await waitUntil('those that are too many are refused', () =>
    stream.messages.some((each) => 'error' in each),
  )
  await server.publish('room/1', 'posted', 1)
  await stream.untilReceived(1)
  await waitUntil('no other is left', () => server.connections.stats().connections === 1)
  assert.deepEqual(
    server.logger.lines.filter((line) => JSON.stringify(line).includes('"error"')),
    [],
  )
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})
