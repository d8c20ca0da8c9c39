import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'
import { Audience } from './audience.ts'
import type { Connection } from './connection.ts'
import type { StoredMessage } from './needs.ts'
import { Replay, type Source } from './replay.ts'
import { Subscription } from './subscription.ts'

const definition = defineChannel({
  name: 'room/:id',
  public: true,
  messages: { posted: unchecked<unknown>() },
})

/** A log in memory that counts how often it is asked; `room/0` has most of the messages. */
function source(count: number, channels: number) {
  const lists = new Map<string, StoredMessage[]>()
  for (let offset = 1; offset <= count; offset++) {
    const channel = `room/${offset % 1_000 === 0 ? (offset / 1_000) % channels : 0}`
    const list = lists.get(channel) ?? []
    lists.set(channel, [...list.slice(-1e6), { offset, channel, type: 'posted', data: '1', createdAt: 0 }])
  }
  const asked = { reads: 0, rows: 0 }
  const after = (channel: string, offset: number, limit: number): StoredMessage[] => {
    asked.reads++
    const list = lists.get(channel) ?? []
    const from = list.findIndex((message) => message.offset > offset)
    const found = from === -1 ? [] : list.slice(from, from + limit)
    asked.rows += found.length
    return found
  }
  const feed = { epoch: 'e', after } as unknown as Source['feed']
  const log = { checkResume: () => 'ok' } as unknown as Source['log']
  return { asked, lists, replay: new Replay({ feed, log }) }
}

test('one busy channel among many quiet ones is replayed with few reads, in order', () => {
  const [count, channels] = [4_000, 128]
  const { asked, lists, replay } = source(count, channels)
  const behind = Array.from({ length: channels }, (_, number) => {
    const audience = new Audience(`room/${number}`, { definition, params: {} })
    return new Subscription({} as Connection, audience, number)
  })
  const offsets: number[] = []
  let pieces = 0
  for (;;) {
    const { messages, gaps } = replay.next(behind, count)
    assert.deepEqual(gaps, [])
    if (messages.length === 0) break
    pieces++
    assert.ok(messages.length <= 400, `${messages.length} messages in one piece`)
    offsets.push(...messages.map(({ offset }) => offset))
  }
  assert.deepEqual(
    offsets,
    Array.from({ length: count }, (_, index) => index + 1),
  )
  assert.equal([...lists.values()].flat().length, count)
  assert.ok(pieces < 100, `${pieces} pieces`)
  assert.ok(asked.reads < 5_000, `${asked.reads} reads`)
  for (const { position } of behind) assert.equal(position, count)
})
