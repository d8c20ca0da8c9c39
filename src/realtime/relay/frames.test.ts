import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import {
  encodeCount,
  encodeMessage,
  fits,
  FrameReader,
  framesOf,
  kind,
  longestPayload,
  longestTopic,
} from './frames.ts'

test('frames survive every way in which a stream may be cut', () => {
  const payloads = ['', 'a', 'ü'.repeat(300), 'x'.repeat(longestPayload), '{"a":[1,2]}']
  const stream = Buffer.concat(payloads.map((payload, index) => encodeMessage(`t/${index}`, payload)))
  for (let round = 0; round < 50; round++) {
    const reader = new FrameReader()
    const received: string[] = []
    for (let at = 0; at < stream.length;) {
      const size = round === 0 ? 1 : randomInt(1, 40_000)
      for (const frame of framesOf(reader.push(stream.subarray(at, at + size)))) {
        assert.ok(frame.kind === kind.message)
        assert.equal(frame.topic, `t/${received.length}`)
        received.push(frame.payload())
      }
      at += size
    }
    assert.deepEqual(received, payloads)
  }
})

test('counts are read as they were written', () => {
  const run = new FrameReader().push(
    Buffer.concat([encodeCount(kind.count, 0), encodeCount(kind.gone, 70_000)]),
  )
  assert.deepEqual(
    [...framesOf(run)],
    [
      { kind: kind.count, peers: 0 },
      { kind: kind.gone, peers: 70_000 },
    ],
  )
})

test('bytes count, not characters, for what is too long', () => {
  assert.equal(fits('t', 'x'.repeat(longestPayload + 1)), false)
  assert.equal(fits('t', 'ü'.repeat(longestPayload / 2 + 1)), false)
  assert.equal(fits('t'.repeat(longestTopic + 1), ''), false)
  assert.equal(fits('t'.repeat(longestTopic), 'x'.repeat(longestPayload)), true)
})

test('what is no frame is an error, never memory without end', () => {
  const frame = (...bytes: number[]): Buffer => Buffer.from([0, 0, 0, bytes.length, ...bytes])
  const read = (bytes: Buffer): unknown[] => [...framesOf(new FrameReader().push(bytes))]
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0, 0, 0, 0]),
    frame(9),
    frame(kind.message),
    frame(kind.message, 0),
    frame(kind.message, 0, 9, 1),
    frame(kind.count, 0),
  ])
    assert.throws(() => read(bytes), RangeError, bytes.toString('hex'))
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(Array.from({ length: randomInt(1, 40) }, () => randomInt(0, 256)))
    try {
      read(bytes)
    } catch (error) {
      assert.ok(error instanceof RangeError)
    }
  }
})
