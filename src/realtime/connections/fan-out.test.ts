import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'
import type { StoredMessage } from '../log/message.ts'
import { Audiences, type Audience } from './audience.ts'
import { Connection } from './connection.ts'
import { Counters } from './counters.ts'
import { FanOut } from './fan-out.ts'
import type { Packet } from './packet.ts'
import { Subscription } from './subscription.ts'
import type { Transport } from './transport.ts'

const definition = defineChannel({ name: 'room/:id', public: true, messages: { posted: unchecked() } })

interface Crowd {
  fanOut: FanOut
  members: Member[]
  /** One more that is live. */
  join: () => Member
}

interface Member {
  subscription: Subscription
  transport: { buffered: number }
  offsets: number[]
  /** The first that it is to get. */
  since: number
}

function crowdOf(size: number): Crowd {
  const audiences = new Audiences()
  const audience: Audience = audiences.of('room/1', { definition, params: {} })
  const fanOut = new FanOut(audiences, new Counters(), 1_000, recordingLogger(), {
    clogged: ({ subscriptions }) => {
      for (const subscription of subscriptions.values()) hold(fanOut, subscription)
    },
    control: () => {},
  })
  fanOut.begin({ epoch: 'e', position: 0 })
  const members: Member[] = []
  const join = (): Member => {
    const offsets: number[] = []
    const transport = {
      kind: 'websocket',
      buffered: 0,
      write: (packet: Packet) => void offsets.push(...offsetsOf(packet)),
      cork: () => {},
      uncork: () => {},
    }
    const client = { user: undefined, address: '', request: () => new Request('http://localhost') }
    const connection = new Connection(client, transport as unknown as Transport, 0)
    const subscription = new Subscription(connection, audience, 1)
    connection.subscriptions.set('room/1', subscription)
    audience.members.add(subscription)
    audience.goLive(subscription)
    const member = { subscription, transport, offsets, since: fanOut.position + 1 }
    members.push(member)
    return member
  }
  for (let count = 0; count < size; count++) join()
  return { fanOut, members, join }
}

test('a run to many clients goes out in several turns', () => {
  const { fanOut, members } = crowdOf(8_000)
  fanOut.deliver(messagesOf(1, 3))
  assert.equal(fanOut.isDone, false)
  const served = members.filter(({ offsets }) => offsets.length > 0)
  assert.ok(served.length > 100 && served.length < 4_000, `${served.length} in a turn`)
  let turns = 1
  for (; !fanOut.isDone; turns++) fanOut.goOn()
  assert.ok(turns >= 4 && turns < 20, `${turns} turns`)
  for (const { offsets } of members) assert.deepEqual(offsets, [1, 2, 3])
})

test('a client that is clogged within such a run goes on from before it', () => {
  const { fanOut, members } = crowdOf(5_000)
  members[0]!.transport.buffered = 2_000
  fanOut.deliver(messagesOf(1, 3))
  while (!fanOut.isDone) fanOut.goOn()
  const { subscription, offsets } = members[0]!
  assert.deepEqual([subscription.state, subscription.position, offsets], ['behind', 0, []])
})

test('who comes, goes, is held or comes back between the turns gets each message once and in order', () => {
  const { fanOut, members, join } = crowdOf(5_000)
  let last = 0
  for (let slice = 0; slice < 60; slice++) {
    const first = last + 1
    last = first + random(4)
    fanOut.deliver(messagesOf(first, last))
    do {
      for (let count = 0; count < 20; count++) changeOne(fanOut, members)
      join()
      if (!fanOut.isDone) fanOut.goOn()
    } while (!fanOut.isDone)
  }
  for (const member of members) catchUp(fanOut, member)
  for (const { subscription, offsets, since } of members)
    if (subscription.state === 'live') assert.deepEqual(offsets, range(since, last))
})

function changeOne(fanOut: FanOut, members: Member[]): void {
  const member = members[random(members.length)]!
  const { subscription } = member
  if (subscription.state === 'behind') return catchUp(fanOut, member)
  if (subscription.state !== 'live') return
  const { offsets, since } = member
  const reached = fanOut.reached(subscription)
  assert.equal(reached, offsets.at(-1) ?? since - 1)
  if (random(10) > 0) return hold(fanOut, subscription)
  subscription.audience.hold(subscription)
  subscription.state = 'ended'
}

function hold(fanOut: FanOut, subscription: Subscription): void {
  subscription.position = fanOut.reached(subscription)
  subscription.audience.hold(subscription)
  subscription.state = 'behind'
}

function catchUp(fanOut: FanOut, { subscription, offsets }: Member): void {
  if (subscription.state !== 'behind') return
  offsets.push(...range(subscription.position + 1, fanOut.position))
  subscription.audience.goLive(subscription)
}

function messagesOf(first: number, last: number): StoredMessage[] {
  return range(first, last).map((offset) => ({
    offset,
    channel: 'room/1',
    type: 'posted',
    data: '1',
    createdAt: 0,
  }))
}

function offsetsOf(packet: Packet): number[] {
  return [...packet.events.toString().matchAll(/"offset":(\d+)/g)].map(([, offset]) => Number(offset))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
