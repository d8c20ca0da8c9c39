import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { FakeClock } from '../../testing/index.ts'
import { Audiences } from './audience.ts'
import { Connection } from './connection.ts'
import { Counters } from './counters.ts'
import { FanOut } from './fan-out.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Transport } from './transport.ts'

/** A connection whose transport says what the test wants it to, under a heartbeat. */
function observed() {
  const clock = new FakeClock()
  const transport = { kind: 'sse' as const, buffered: 0, progress: 0, written: 0 }
  const methods = {
    write: () => void transport.written++,
    probe: () => {},
    cork: () => {},
    uncork: () => {},
  }
  const request = (): Request => new Request('http://localhost')
  const connection = new Connection(
    { user: undefined, address: '', request },
    Object.assign(transport, methods) as unknown as Transport,
    clock.now(),
  )
  const dropped: number[] = []
  const counters = new Counters()
  const events = { clogged: () => {}, control: () => {} }
  const heartbeat = new Heartbeat({
    connections: new Set([connection]),
    fanOut: new FanOut(new Audiences(), counters, 1, recordingLogger(), events),
    clock,
    counters,
    interval: 25_000,
    stalled: 30_000,
    close: () => {},
    drop: (_connection, code) => dropped.push(code),
  })
  heartbeat.start()
  return { clock, transport, dropped }
}

test('who takes nothing for 30 s is cut off, also when nothing was taken since nothing waited', () => {
  const { clock, transport, dropped } = observed()
  clock.advance(60_000)
  transport.buffered = 1_000
  clock.advance(30_000)
  assert.deepEqual(dropped, [])
  clock.advance(10_000)
  assert.equal(dropped[0], 4008)
})

test('who takes a little now and then stays', () => {
  const { clock, transport, dropped } = observed()
  transport.buffered = 1_000
  for (let count = 0; count < 20; count++) {
    transport.progress++
    clock.advance(25_000)
  }
  assert.deepEqual(dropped, [])
})

test('the position comes with each heartbeat, unless something still waits', () => {
  const { clock, transport } = observed()
  clock.advance(100_000)
  assert.equal(transport.written, 4)
  transport.buffered = 1
  clock.advance(25_000)
  assert.equal(transport.written, 4)
})
