import assert from 'node:assert/strict'
import { existsSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { bindAndDie } from '../../../test/helpers/dead-socket.ts'
import { relaysForTest, untilMet } from '../../../test/helpers/relays.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { encodeCount, encodeMessage, kind } from './frames.ts'
import type { Relay } from './relay.ts'

const hubOf = (relays: readonly Relay[]): Relay => relays.find((relay) => relay.stats().role === 'hub')!

test('one is the hub, and everybody hears everybody else, in order, and not himself', async () => {
  await using test = await relaysForTest(4)
  const { relays } = test
  assert.equal(relays.filter((relay) => relay.stats().role === 'hub').length, 1)
  const heard = relays.map((relay) => {
    const payloads: string[] = []
    relay.on('t', (payload) => payloads.push(payload))
    return payloads
  })
  for (let number = 0; number < 200; number++)
    relays.forEach((relay, index) => relay.send('t', `${index}:${number}`))
  await waitUntil('all arrived', () => heard.every((payloads) => payloads.length === 600))
  heard.forEach((payloads, own) => {
    for (const index of relays.keys()) {
      const of = payloads.filter((payload) => payload.startsWith(`${index}:`))
      const expected = index === own ? [] : Array.from({ length: 200 }, (_, number) => `${index}:${number}`)
      assert.deepEqual(of, expected)
    }
  })
})

test('a topic is heard by its listeners alone, until they end; one that throws is logged', async () => {
  await using test = await relaysForTest(2)
  const [one, other] = test.relays as [Relay, Relay]
  const heard: string[] = []
  other.on('a', () => {
    throw new Error('broken')
  })
  const end = other.on('a', (payload) => heard.push(payload))
  other.on('z', (payload) => heard.push(payload))
  one.send('a', '1')
  one.send('b', '2')
  one.send('z', '3')
  await waitUntil('arrived', () => heard.length === 2)
  end()
  one.send('a', '4')
  one.send('z', '5')
  await waitUntil('arrived', () => heard.length === 3)
  assert.deepEqual(heard, ['1', '3', '5'])
  assert.ok(test.logger.lines.some(({ fields }) => String(fields['error']).includes('broken')))
})

test('a message that is too long is refused before it is sent', async () => {
  await using test = await relaysForTest(2)
  assert.throws(() => test.relays[0]!.send('t', 'x'.repeat(67_585)), { code: 'HANDCAR_OPTION_INVALID' })
})

test('when the hub stops another one takes its place, and all are told that somebody has gone', async () => {
  await using test = await relaysForTest(5)
  const hub = hubOf(test.relays)
  const rest = test.relays.filter((relay) => relay !== hub)
  let told = 0
  for (const relay of rest) relay.onGone(() => told++)
  await hub.stop()
  await untilMet(rest)
  assert.equal(rest.filter((relay) => relay.stats().role === 'hub').length, 1)
  assert.ok(told >= rest.length)
  const heard = Promise.all(rest.slice(1).map((relay) => new Promise((resolve) => relay.on('t', resolve))))
  rest[0]!.send('t', 'after')
  assert.deepEqual(await heard, ['after', 'after', 'after'])
})

test('when another one stops, those who stay are told', async () => {
  await using test = await relaysForTest(3)
  const hub = hubOf(test.relays)
  const [leaves, stays] = test.relays.filter((relay) => relay !== hub) as [Relay, Relay]
  const told = Promise.all([hub, stays].map((relay) => new Promise<void>((done) => relay.onGone(done))))
  await leaves.stop()
  await told
  await untilMet([hub, stays])
})

test('the socket of a killed process is replaced', async () => {
  await using test = await relaysForTest(0)
  await bindAndDie(`${test.path}.relay`)
  await Promise.all([test.add(), test.add()])
  await untilMet(test.relays)
})

test('starting and stopping may be repeated, and the socket goes with the last', async () => {
  await using test = await relaysForTest(2)
  for (let round = 0; round < 20; round++) {
    await Promise.all(test.relays.map((relay) => (Math.random() < 0.5 ? relay.stop() : relay.start())))
  }
  await Promise.all(test.relays.map((relay) => relay.start()))
  await untilMet(test.relays)
  await Promise.all(test.relays.map((relay) => relay.stop()))
  assert.ok(!existsSync(`${test.path}.relay`))
})

test('the socket is for this user alone', async () => {
  await using test = await relaysForTest(1)
  assert.equal(statSync(`${test.path}.relay`).mode & 0o777, 0o600)
})

test('when somebody removes the socket they meet again', async () => {
  await using test = await relaysForTest(3)
  rmSync(`${test.path}.relay`)
  void test.add()
  await waitUntil('one more has started', () => test.relays.length === 4)
  await untilMet(test.relays)
})

test('garbage ends the connection that it came from, and no other', async () => {
  await using test = await relaysForTest(2)
  const hub = hubOf(test.relays)
  const other = test.relays.find((relay) => relay !== hub)!
  for (const garbage of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    encodeCount(kind.count, 1_000),
    Buffer.alloc(9),
    Buffer.concat([encodeMessage('t', 'not this'), Buffer.alloc(9)]),
  ]) {
    const stranger = connect(`${test.path}.relay`)
    const closed = new Promise((resolve) => stranger.once('close', resolve))
    stranger.on('error', () => {}).resume()
    stranger.write(garbage)
    await closed
  }
  await untilMet(test.relays)
  const heard = new Promise((resolve) => other.on('t', resolve))
  hub.send('t', 'still here')
  assert.equal(await heard, 'still here')
})

test('a peer that does not read is cut off, and the others get everything', async () => {
  await using test = await relaysForTest(2)
  const hub = hubOf(test.relays)
  const other = test.relays.find((relay) => relay !== hub)!
  const frozen = connect(`${test.path}.relay`).pause()
  const closed = new Promise((resolve) => frozen.once('close', resolve))
  frozen.on('error', () => {})
  await waitUntil('all three know each other', () => other.peers === 2)
  let received = 0
  other.on('t', () => received++)
  const payload = 'x'.repeat(60_000)
  let sent = 0
  for (; hub.stats().cutOff === 0; sent++) {
    assert.ok(sent < 1_000, 'memory is bounded')
    hub.send('t', payload)
    await waitUntil('the other has read', () => received > sent - 8)
  }
  await waitUntil('the other has read all', () => received === sent)
  frozen.resume()
  await closed
})

test('where nothing can be opened it says so once, and costs nobody anything', async () => {
  await using test = await relaysForTest(0)
  rmSync(test.folder.path, { recursive: true })
  const relay = await test.add()
  relay.send('t', 'lost')
  await waitUntil('it is counted', () => relay.stats().dropped === 1)
  assert.equal(relay.isConnected, false)
  assert.equal(relay.stats().role, 'none')
  await relay.stop()
  assert.equal(test.logger.lines.length, 1)
})
