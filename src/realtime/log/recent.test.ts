import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredMessage } from './message.ts'
import { Recent, sizeOf } from './recent.ts'

const message = (offset: number, channel: string, data = 'null'): StoredMessage => ({
  offset,
  channel,
  type: 'posted',
  data,
  createdAt: 0,
})
const offsets = (messages: StoredMessage[] | undefined) => messages?.map(({ offset }) => offset)

test('the messages of a channel are found after any offset that is reached', () => {
  const recent = new Recent(1_000_000, 10)
  for (const offset of [11, 12, 15, 16, 20]) recent.add(message(offset, offset % 2 === 0 ? 'even' : 'odd'))
  assert.deepEqual(offsets(recent.after('even', 10, 10)), [12, 16, 20])
  assert.deepEqual(offsets(recent.after('even', 12, 1)), [16])
  assert.deepEqual(offsets(recent.after('even', 13, 10)), [16, 20])
  assert.deepEqual(offsets(recent.after('even', 20, 10)), [])
  assert.deepEqual(offsets(recent.after('other', 10, 10)), [])
  assert.equal(recent.after('even', 9, 10), undefined, 'it does not reach so far back')
})

test('the oldest go when there is no room, and it says how far back it reaches', () => {
  const size = sizeOf(message(1, 'a'))
  const recent = new Recent(size * 100, 0)
  for (let offset = 1; offset <= 10_000; offset++) recent.add(message(offset, offset % 3 === 0 ? 'b' : 'a'))
  assert.deepEqual(recent.size, { messages: 100, bytes: size * 100 })
  assert.equal(recent.since, 9_900)
  assert.equal(recent.after('a', 9_899, 1), undefined)
  assert.deepEqual(offsets(recent.after('b', 9_900, 2)), [9_903, 9_906])
  assert.equal(recent.after('b', 9_900, 1_000)!.length + recent.after('a', 9_900, 1_000)!.length, 100)
})

test('a message that is larger than all room is not kept', () => {
  const recent = new Recent(1_000, 0)
  recent.add(message(1, 'a', 'x'.repeat(2_000)))
  assert.deepEqual(recent.size, { messages: 0, bytes: 0 })
  assert.equal(recent.since, 1)
})
